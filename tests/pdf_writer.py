"""A PDF of words at places, so that a test sees on the page what is where."""

A4 = (595, 842)


def pdf_of(*pages, trailer="", font="Helvetica"):
    """Write pages of (x, y, size, words), measured in points from the lower left corner."""
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


def lines_from(x, y, *lines, size=10, pitch=12):
    """Place lines under one another."""
    return [(x, y - i * pitch, size, line) for i, line in enumerate(lines)]


def _escaped(words):
    return words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
