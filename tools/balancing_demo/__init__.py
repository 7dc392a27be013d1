"""`demo-balance`: a tour of the load balancer in the terminal, each step expected and then seen."""
