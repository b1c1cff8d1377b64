"""The provider `replicate`: predictions at replicate.com."""
