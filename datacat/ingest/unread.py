"""Formats that are known and not read yet, told by content, so that a user hears what a file is rather than nothing.

JSON is told by which keys stand where in its beginning; see `peek.outline`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from datacat.ingest.format import Sample
from datacat.ingest.peek import outline

# Paths, each with the first byte of what stands there after a colon; `*` in front is whatever path. All of a line hold.
_JSON: tuple[tuple[str, str], ...] = (
    ("LabelMe JSON", "shapes:[ imagePath"),
    ("LabelMe JSON", "shapes:[ shapes[].points:["),
    ("VIA 2 JSON (VGG Image Annotator)", "_via_img_metadata:{"),
    ("VIA 2 JSON (VGG Image Annotator)", "*.regions *.filename *.file_attributes"),
    ("VIA 2 JSON (VGG Image Annotator)", "*.regions *.filename *.size"),
    ("VIA 3 JSON (VGG Image Annotator)", "project:{ attribute:{ view:{"),
    ("Labelbox export v2", "data_row:{ projects:{"),
    ("Labelbox export v2", "[].data_row:{ [].projects:{"),
    ("Labelbox export v1", "[].Label [].ID"),
    ("Labelbox export v1", "[].Labeled_Data"),
    ("Labelbox export v1", "[].DataRow_ID"),
    ("Labelbox import JSON", "dataRow:{"),
    ("Labelbox import JSON", "[].dataRow:{"),
    ("Supervisely JSON", "objects:[ size:{ tags:["),
    ("Supervisely JSON", "objects[].classTitle"),
    ("Darwin 2 JSON (V7)", "item:{ annotations:["),
    ("Darwin 1 JSON (V7)", "image:{ image.filename annotations:["),
    ("Cityscapes JSON", "imgHeight imgWidth objects:["),
    ("Scalabel or BDD100K JSON", "[].name [].labels:["),
    ("Scalabel or BDD100K JSON", "[].name [].attributes:{ [].labels"),
    ("Scalabel or BDD100K JSON", "[].name [].videoName"),
    ("Scalabel or BDD100K JSON", "frames:[ frames[].labels"),
    ("Scalabel or BDD100K JSON", "frames:[ frames[].objects"),
    ("Scalabel or BDD100K JSON", "name labels:[ labels[].category"),
    ("Apple Create ML JSON", "[].annotations:[ [].annotations[].coordinates"),
    ("COCO results (predictions without a list of images)", "[].image_id [].category_id"),
    ("COCO results (predictions without a list of images)", "[].image_id [].caption"),
    ("Label Studio JSON_MIN", "[].annotation_id [].annotator"),
    ("nuScenes table", "[].token [].sample_token"),
    ("nuScenes table", "[].token [].scene_token"),
    ("SQuAD JSON", "data:[ data[].paragraphs:["),
    ("SQuAD JSON", "data:[ data[].title"),
    ("spaCy JSON", "[][].entities:["),
    ("spaCy or Prodigy JSON", "text:\" spans:["),
    ("spaCy or Prodigy JSON", "[].paragraphs:[ [].paragraphs[].sentences:["),
    ("doccano JSON lines", "text:\" label:["),
    ("doccano JSON lines", "text:\" labels:["),
    ("doccano JSON lines", "text:\" entities:["),
    ("GeoJSON", "type:\" features:["),
    ("GeoJSON", "type:\" coordinates:["),
    ("FiftyOne data set", "samples:[ samples[]._id"),
    ("FiftyOne data set", "samples:[ samples[].filepath"),
    ("Datumaro JSON", "items:[ categories:{"),
    ("Datumaro JSON", "items:[ items[].annotations:["),
    ("Croissant (JSON-LD)", "@context @type distribution"),
    ("Croissant (JSON-LD)", "@context @type recordSet"),
    ("Hugging Face dataset_info", "features:{ splits:{"),
    ("Hugging Face dataset_info", "features:{ builder_name"),
    ("Hugging Face dataset_info", "default:{ default.features:{"),
    ("COCO panoptic records (without the rest of COCO)", "segments_info:["),
    ("COCO panoptic records (without the rest of COCO)", "[].segments_info:["),
    ("Amazon SageMaker Ground Truth manifest", "source-ref:\""),
    ("NAB windows (time series)", "*.csv[][]:\""),
    ("NAB labels (time series)", "*.csv[]:\""),
    ("JSON with `annotations`, of no format that is known", "annotations:["),
)  # fmt: skip
_XML: tuple[tuple[str, str], ...] = (
    ("CVAT XML", r"<annotations>.*<(?:image|track)\s[^>]*\b(?:id|name|label)="),
    ("CVAT XML", r"<annotations>\s*<version>1"),
    ("KITTI raw tracklets (XML)", r"<tracklets\b"),
    ("PAGE XML", r"<PcGts\b"),
    ("ALTO XML", r"<alto\b"),
    ("KML", r"<kml\b"),
    ("OpenStreetMap XML", r"<osm\b"),
    ("UVA path tracks (XML)", r"<(?:viper|dataset|tagset)\b"),
)
_WORD = r"[^\s,]+"
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
# A line each of a text, of which the first ones must nearly all be so.
_LINES: tuple[tuple[str, str], ...] = (
    ("RTTM (speakers)", r"(?:SPEAKER|SPKR-INFO|LEXEME|NON-LEX|SEGMENT)(?:\s+\S+){7,9}"),
    ("CTM (words in time)", rf"\S+\s+[AB1-9]\s+{_NUMBER}\s+{_NUMBER}\s+\S+(?:\s+{_NUMBER})?"),
    ("Audacity labels", rf"{_NUMBER}\t{_NUMBER}(?:\t.*)?|\\\t{_NUMBER}\t{_NUMBER}"),
    ("brat standoff", r"(?:[TREAMN]\d+|#\d+|\*)\t\S.*"),
    ("KITTI labels", rf"[A-Za-z_]\w*(?:\s+{_NUMBER}){{14,15}}"),
    ("MOT tracks", rf"{_NUMBER},\s*{_NUMBER}(?:,\s*{_NUMBER}){{4,8}}"),
    ("DOTA labels", rf"(?:imagesource|gsd)\s*:.*|(?:{_NUMBER}\s+){{8}}\S+\s+\d"),
    ("CoNLL or BIO tags", r"\S+(?:\s+\S+)*\s+(?:O|[BIESLU]-\S+)"),
    ("boxes in CSV (RetinaNet)", rf"[^,]+\.\w{{3,4}},(?:{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER},[^,]+|,,,,)"),
)
_HEADERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("VIA 2 CSV (VGG Image Annotator)", frozenset({"filename", "region_shape_attributes"})),
    ("boxes in CSV (TensorFlow)", frozenset({"filename", "xmin", "ymin", "xmax", "ymax"})),
    ("boxes in CSV", frozenset({"xmin", "ymin", "xmax", "ymax"})),
    ("Label Studio CSV", frozenset({"annotation_id", "annotator"})),
    ("Hugging Face ImageFolder metadata", frozenset({"file_name"})),
)
_PROSE = re.compile(
    r"^(?:readme|licen[cs]e|copying|notice|note|notes|changelog|changes|authors|citation|contributing|requirements|"
    r"makefile|dockerfile)(?:[\W_\d].*)?$"
    r"|\.(?:md|rst|html?|css|jsx?|tsx?|pyi?|ipynb|sh|bat|ps1|c|cc|cpp|h|hpp|java|go|rs|rb|php|toml|cfg|ini|lock|log|"
    r"pdf|docx?|odt|gitignore|gitattributes|svg|bib|tex|whl|pyc)$",
    re.IGNORECASE,
)
# Files of these endings are looked into though no format that is read has them.
ENDINGS = (
    *(".geojson", ".tsv", ".conll", ".conllu", ".bio", ".iob", ".iob2", ".rttm", ".ctm", ".ann", ".manifest"),
    *(".srt", ".vtt", ".textgrid", ".tfrecord", ".record", ".jsonld"),
)


def known_format(sample: Sample) -> str | None:
    """What a file is that no reader takes, in the words of who knows the format; None: nobody can tell.

    Args:
        sample: its beginning.
    """
    head = sample.head.lstrip()
    if sample.name.lower() == "metadata.jsonl" and "file_name" in outline(sample.head):
        return "Hugging Face ImageFolder metadata"
    if head[:1] in (b"{", b"["):
        return _of_json(outline(sample.head))
    if head[:1] == b"<":
        text = head.decode("utf-8", errors="replace")
        return next((title for title, pattern in _XML if re.search(pattern, text, re.DOTALL)), None)
    if sample.name.lower().endswith((".tfrecord", ".record")) or ".tfrecord-" in sample.name.lower():
        return "TFRecord"
    return _of_text(head.decode("utf-8", errors="replace")) if head and b"\0" not in head[:1024] else None


def is_prose(name: str) -> bool:
    """Whether a file is text for people or code by its name: no label file, and not worth a line in a report."""
    return bool(_PROSE.search(name))


def _of_json(keys: Mapping[str, str]) -> str | None:
    return next((title for title, wanted in _JSON if all(_has(keys, each) for each in wanted.split())), None)


def _has(keys: Mapping[str, str], wanted: str) -> bool:
    path, _, kind = wanted.partition(":")
    path = path.replace("_", " ") if path in ("[].Labeled_Data", "[].DataRow_ID") else path
    if path.startswith("*"):
        return any(key.endswith(path[1:]) and (not kind or first == kind) for key, first in keys.items())
    return path in keys and (not kind or keys[path] == kind)


def _of_text(text: str) -> str | None:
    if text.startswith("WEBVTT"):
        return "WebVTT"
    if re.match(r"\d+\s*\n\d\d:\d\d:\d\d[,.]\d+ --> ", text):
        return "SRT subtitles"
    if 'ooTextFile"' in text[:100]:
        return "Praat TextGrid"
    lines = [line.rstrip("\r") for line in text.split("\n")[:-1] or [text]]
    lines = [line for line in lines if line.strip() and not line.startswith(("-DOCSTART-", "# ", ";;"))][:40]
    if not lines:
        return None
    header = {cell.strip().strip('"').lower() for cell in re.split(r"[,;\t]", lines[0])}
    for title, wanted in _HEADERS:
        if wanted <= header:
            return title
    return next((title for title, pattern in _LINES if _are(lines, pattern)), None)


def _are(lines: list[str], pattern: str) -> bool:
    """Whether nine of ten lines are so; a single line may be by chance what it looks like."""
    fits = sum(bool(re.fullmatch(pattern, line.strip(" "))) for line in lines)
    return fits * 10 >= len(lines) * 9
