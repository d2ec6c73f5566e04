"""What it means: pure folds from records to the state of jobs, assets, ratings and tags."""
