# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Faces to embeddings: detectors and ArcFace-like models of other packages behind the protocol of encoders."""

from imug_metrics.encoders.faces.detections import FaceModel, Faces
from imug_metrics.encoders.faces.encoder import FaceEncoder
from imug_metrics.encoders.faces.facenet import FacenetModel
from imug_metrics.encoders.faces.functions import FaceFunctions
from imug_metrics.encoders.faces.insightface import InsightFaceModel

__all__ = ["FaceEncoder", "FaceFunctions", "FaceModel", "FacenetModel", "Faces", "InsightFaceModel"]
