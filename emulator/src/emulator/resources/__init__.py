"""The providers of the services that moto emulates: they make what the template says."""
