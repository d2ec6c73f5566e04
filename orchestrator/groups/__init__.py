"""Groups of jobs: submitted as one, watched as one, cancelled as one."""
