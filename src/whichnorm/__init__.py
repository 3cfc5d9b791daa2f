"""Which normalization layer should this network use, on this data, at this batch size?"""
