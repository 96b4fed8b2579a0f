"""What each rule of the pipelines gains: builds without it, measured."""
