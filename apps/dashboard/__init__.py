"""The dashboard (Streamlit): all models and strategies side by side, from their records."""
