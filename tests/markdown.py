"""Tables in Markdown, as tests read them."""


def cells(row: str) -> list[str]:
    """The words of a row."""
    return [cell.strip() for cell in row.strip("|").split("|")]
