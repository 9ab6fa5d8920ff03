"""The studio's side: cameras in, WHIP out. Knows neither the relay's inside nor the shop."""
