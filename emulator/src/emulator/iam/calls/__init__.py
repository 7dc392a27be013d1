"""What a call of AWS has to be allowed: its actions, and the resources that they are on."""
