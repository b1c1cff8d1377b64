"""The provider `openai_images`: OpenAI's image API."""
