"""The pages: each is a program of its own that Streamlit runs, and thin."""
