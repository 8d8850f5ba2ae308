"""Gradio's own surfaces, the sign-in page above all, in the colours of the page; no web fonts."""

import gradio as gr

_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def paper_theme() -> gr.themes.Base:
    """Return warm paper with one accent of deep teal, and its dark counterpart."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        font=_SANS,
        font_mono=_MONO,
    ).set(
        body_background_fill="#f3eee3",
        body_background_fill_dark="#171512",
        body_text_color="#23201b",
        body_text_color_dark="#ece6da",
        background_fill_primary="#f3eee3",
        background_fill_primary_dark="#171512",
        background_fill_secondary="#f3eee3",
        background_fill_secondary_dark="#171512",
        block_background_fill="#fffdf8",
        block_background_fill_dark="#1f1c18",
        block_title_text_color="#23201b",
        block_title_text_color_dark="#ece6da",
        input_background_fill="#fffdf8",
        input_background_fill_dark="#171512",
        input_border_color="#8d8473",
        input_border_color_dark="#7f7768",
        input_border_width="1px",
        button_primary_background_fill="#0f5b5c",
        button_primary_background_fill_dark="#82cbc5",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10201f",
    )
