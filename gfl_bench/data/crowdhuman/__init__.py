"""CrowdHuman (Shao et al., 2018): 15,000 and 4,370 photographs with 23 persons each, as COCO-format files.

A person has three boxes: the full body as if nothing hid it, what is visible of it, and the head. The full one is
learnt and evaluated; it may reach outside the image. What may be ignored is a crowd in COCO's words, ``iscrowd`` 1.
"""
