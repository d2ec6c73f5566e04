"""What the existing React frontend asks and reads, where it is more than another spelling.

Each function here reads a request of the frontend, asks the endpoint of the document, and puts its
answer into the shapes that the frontend reads. Rules stand in the endpoints, for both.
"""
