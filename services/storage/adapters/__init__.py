"""Object stores and imaging, one file each."""
