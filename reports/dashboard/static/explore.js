// Explore: on a narrow screen the filters begin folded, so that what was found comes first. The key
// "/" goes to the search.

const NARROW = matchMedia("(max-width: 720px)");

function fold() {
  const filters = document.getElementById("all-filters");
  if (filters && NARROW.matches && !filters.dataset.touched) filters.open = false;
}

// The columns that are shown anyway are no part of an address.
document.addEventListener("formdata", (event) => {
  const usual = event.target.dataset.columns;
  if (usual !== undefined && event.formData.getAll("show").join(" ") === usual) event.formData.delete("show");
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.getElementById("q");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

NARROW.addEventListener("change", fold);
fold();
