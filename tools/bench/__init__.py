"""What `webdnn bench` is made of: models, engines, the page that times them, profiles, and reports."""
