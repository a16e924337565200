"""The containers and images of the Docker Engine."""
