"""The service on two hosts, over real SMB and NFS: servers, kernel clients, and faults."""
