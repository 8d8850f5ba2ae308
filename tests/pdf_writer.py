"""A PDF of words at places, so that a test sees on the page what is where."""

A4 = (595, 842)


def pdf_of(*pages, trailer="", font="Helvetica", outline=()):
    """Write pages of (x, y, size, words), measured in points from the lower left corner.

    The outline is of (title, number of the page from 1); what begins with a space stands under the
    entry before it.
    """
    n = len(pages)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(n))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {n} >>",
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{font} /Encoding /WinAnsiEncoding >>",
    ]
    for i, page in enumerate(pages):
        drawn = "".join(
            f"BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({_escaped(words)}) Tj ET\n"
            for x, y, size, words in page
        )
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {A4[0]} {A4[1]}] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * i} 0 R >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
    if outline:
        first = len(objects) + 1
        objects[0] = f"<< /Type /Catalog /Pages 2 0 R /Outlines {first} 0 R >>"
        objects += _outline_objects(outline, first)
    data = "%PDF-1.4\n"
    places = []
    for number, item in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{item}\nendobj\n"
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    data += "".join(f"{place:010} 00000 n \n" for place in places)
    data += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n"
    return (data + f"startxref\n{start}\n%%EOF\n").encode("cp1252")


def _outline_objects(outline, root):
    numbers = {i: root + 1 + i for i in range(len(outline))}
    parents = {}
    for i, (title, _) in enumerate(outline):
        tops = [j for j in range(i) if not outline[j][0].startswith(" ")]
        parents[i] = tops[-1] if title.startswith(" ") else None

    def links(parent):
        children = [i for i in numbers if parents[i] == parent]
        if not children:
            return ""
        return f"/First {numbers[children[0]]} 0 R /Last {numbers[children[-1]]} 0 R "

    yield f"<< /Type /Outlines {links(None)}>>"
    for i, (title, page) in enumerate(outline):
        above = parents[i]
        parent = root if above is None else numbers[above]
        after = [j for j in numbers if j > i and parents[j] == parents[i]]
        following = f"/Next {numbers[after[0]]} 0 R " if after else ""
        yield (
            f"<< /Title ({_escaped(title.strip())}) /Parent {parent} 0 R {following}"
            f"/Dest [{2 + 2 * page} 0 R /Fit] {links(i)}>>"
        )


def lines_from(x, y, *lines, size=10, pitch=12):
    """Place lines under one another."""
    return [(x, y - i * pitch, size, line) for i, line in enumerate(lines)]


def _escaped(words):
    return words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
