import pytest

from corpus.errors import UnreadableDocumentError
from corpus.formats.mail import read_mail
from corpus.formats.records import read_json, read_json_lines
from corpus.formats.tables import read_table


class TestTables:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_rows_name_their_columns_whatever_parts_the_cells(self, delimiter):
        rows = [("Port", "Ships", "Note"), ("Kep", "3", ""), ("Kampot", "35", '"wide\nopen"')]
        data = "\n".join(delimiter.join(row) for row in rows).encode()
        assert read_table(data).text == (
            "Port: Kep | Ships: 3\n\nPort: Kampot | Ships: 35 | Note: wide open"
        )

    def test_a_table_without_names_of_columns_stays_as_it_is(self):
        assert read_table(b"Kep,3\nKampot,35\n").text == "Kep | 3\n\nKampot | 35"

    def test_commas_in_cells_do_not_part_a_table_of_semicolons(self):
        assert read_table(b"a;b\n1;x, y\n2;z\n").text == "a: 1 | b: x, y\n\na: 2 | b: z"

    def test_too_many_rows_are_refused(self, monkeypatch):
        monkeypatch.setattr("corpus.formats.tables.MAX_ROWS", 2)
        with pytest.raises(UnreadableDocumentError, match="more than 2 rows; split it into small"):
            read_table(b"a,b\n1,2\n3,4\n")


class TestJson:
    def test_elements_are_paragraphs_and_values_stand_behind_their_keys(self):
        data = b'[{"name": "Kep", "at": {"lat": 10.5, "tags": ["sea", "crab"]}}, {"name": null}, 3]'
        assert read_json(data).text == "name: Kep\nat.lat: 10.5\nat.tags: sea, crab\n\n3"

    def test_lines_are_paragraphs(self):
        assert read_json_lines(b'{"a": true}\n\n{"a": "b"}\n').text == "a: true\n\na: b"

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b'{"a": 1,\n}', "line 2: is no JSON"),
            (b"[" * 100_000, "nests too deeply"),
            (b"[" * 200 + b"]" * 200, "nests more than 100 levels"),
            (b"1" * 5000, "no JSON that can be read"),
        ],
    )
    def test_what_is_no_json_is_refused(self, data, message):
        with pytest.raises(UnreadableDocumentError, match=message):
            read_json(data)

    def test_a_line_that_is_no_json_is_named(self):
        with pytest.raises(UnreadableDocumentError, match=r"line 2: is no JSON: .*; mend it"):
            read_json_lines(b'{"a": 1}\n{"a"}\n')


class TestMail:
    def test_headers_text_and_names_of_attachments_are_read(self):
        data = (
            b"From: Ek Tha <ek@example.org>\nSubject: =?utf-8?q?Caf=C3=A9?=\nX-Spam: no\n"
            b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
            b"We sail.\n\nBye.\n--b\nContent-Disposition: attachment; filename=a.pdf\n\nx\n--b--\n"
        )
        extracted = read_mail(data)
        assert extracted.text == (
            "From: Ek Tha <ek@example.org>\nSubject: Café\n\nWe sail.\n\nBye.\n\nAttachment: a.pdf"
        )
        assert extracted.title == "Café"

    def test_a_message_in_html_is_read_as_text(self):
        data = b"Subject: A\nContent-Type: text/html\n\n<p>One</p><script>x</script><p>Two</p>"
        assert read_mail(data).text == "Subject: A\n\nOne\n\nTwo"

    def test_what_has_no_headers_is_refused(self):
        with pytest.raises(UnreadableDocumentError, match="is no e-mail message"):
            read_mail(b"just words")
