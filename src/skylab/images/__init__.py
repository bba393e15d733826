"""What runs inside a job's process: the user's side of /opt/ml. It imports nothing of ours but itself."""
