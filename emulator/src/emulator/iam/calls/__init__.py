"""Permissions that a call of AWS needs: its actions, and the resources that they are on."""
