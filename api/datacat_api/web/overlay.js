// Boxes and polygons over a picture: an SVG whose coordinates are the picture's pixels.

const NAMESPACE = "http://www.w3.org/2000/svg";
const COLOURS = ["#ff9f1c", "#2ec4b6", "#e84a8a", "#4d96ff", "#9bc53d", "#b388eb", "#f25f5c", "#ffd166"];

// The same class has the same colour on every picture.
function colourOf(name) {
  let sum = 0;
  for (const letter of name || "") sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return COLOURS[sum % COLOURS.length];
}

function element(kind, attributes) {
  const made = document.createElementNS(NAMESPACE, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function pairs(numbers) {
  const points = [];
  for (let i = 0; i + 1 < numbers.length; i += 2) points.push(`${numbers[i]},${numbers[i + 1]}`);
  return points.join(" ");
}

function shapesOf(annotation, width, height) {
  const { geometry } = annotation;
  const unit = annotation.is_relative ? `scale(${width} ${height})` : "";
  if (annotation.geometry_type === "polygon" && Array.isArray(geometry)) {
    return geometry.map((ring) => element("polygon", { points: pairs(ring), transform: unit }));
  }
  if (annotation.geometry_type === "polyline" && Array.isArray(geometry)) {
    return [element("polyline", { points: pairs(geometry), transform: unit })];
  }
  if (annotation.geometry_type === "rotated" && geometry?.center && geometry?.size) {
    const [x, y] = geometry.center;
    const [w, h] = geometry.size;
    const turned = `${unit} rotate(${geometry.degrees || 0} ${x} ${y})`;
    return [element("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h, transform: turned })];
  }
  const { x, y, w, h } = annotation;
  if (![x, y, w, h].every(Number.isFinite) || w < 0 || h < 0) return [];
  return [element("rect", { x, y, width: w, height: h, transform: unit })];
}

export function overlay(annotations, { width, height }) {
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const annotation of annotations) {
    const colour = colourOf(annotation.class);
    for (const shape of shapesOf(annotation, width, height)) {
      shape.setAttribute("class", "shape");
      shape.setAttribute("stroke", colour);
      shape.setAttribute("fill", shape.nodeName === "polyline" ? "none" : colour);
      picture.append(shape);
    }
  }
  return picture;
}
