"""Detectors as files for ncnn and ONNX Runtime, checked against PyTorch; decoding and NMS stay outside."""
