() => {
  // Ctrl+V anywhere on the page puts a copied picture into the visible picture field, as its own paste button does.
  document.addEventListener("paste", (event) => {
    const picture = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/"));
    const field = document.querySelector("#am-picture input[type=file]");
    const hidden = document.querySelector("#am-picture")?.offsetParent === null;
    if (!picture || !field || hidden) {
      return;
    }
    event.preventDefault();
    const transfer = new DataTransfer();
    transfer.items.add(picture);
    field.files = transfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
