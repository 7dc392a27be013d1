"""Makes what the template says of the services that moto emulates."""
