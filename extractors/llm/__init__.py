"""The second backend: a language model behind any OpenAI-compatible chat-completions endpoint. Off by default."""
