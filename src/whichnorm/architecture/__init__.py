"""What a network looks like: its graph, receptive fields, layer table, picture and ONNX file."""
