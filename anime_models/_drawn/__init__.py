"""How `anime_models.drawn_faces` draws: shapes in head units, painted large and reduced.

Head units: the middle of the face is (0, 0), x grows to the right and y down, the chin is at y = 1, the cheeks are
near x = -0.85 and 0.85.
"""
