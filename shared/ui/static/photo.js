// A picture from a telephone is made small in the browser before it is sent: a person's photo, the scan of a paper.
"use strict";

const SHARES = [1, 0.75, 0.5625, 0.4375], QUALITIES = [0.85, 0.7, 0.55];

function drawn(picture, longest) {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// The largest and best that fits into so many bytes, its longest side at most so many points; null: no picture.
async function fitting(file, most, longest) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  for (const share of picture ? SHARES : []) {
    const canvas = drawn(picture, Math.round(longest * share));
    for (const quality of QUALITIES) {
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
      if (blob && blob.size <= most) return blob;
    }
  }
  return null;
}

document.addEventListener("change", async (event) => {
  const input = event.target.closest("input[type=file][data-largest]");
  if (!input) return;
  input.setCustomValidity("");
  const file = input.files[0], most = Number(input.dataset.largest);
  const kept = ["image/jpeg", "image/png", ...input.accept.split(",")];
  if (!file || (file.size <= most && kept.includes(file.type))) return;
  const button = input.form.querySelector("button");
  button.disabled = true;
  const blob = await fitting(file, most, Number(input.dataset.longest));
  const files = new DataTransfer();
  if (blob) files.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
  input.files = files.files;
  input.setCustomValidity(blob ? "" : input.dataset.refused);
  if (!blob) input.reportValidity();
  button.disabled = false;
});
