"""What `webdnn tune` is made of: kernels by themselves, a page that times them, and the search for better schedules."""
