"""What tests need of the npm registry, pinned by `package-lock.json`."""
