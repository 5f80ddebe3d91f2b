// One menu is open at a time; Escape and a click elsewhere close it.
export function menus() {
  const all = document.querySelectorAll("details[data-menu]");
  const close = (except) => {
    for (const menu of all) {
      if (menu !== except) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => close(event.target.closest("details[data-menu]")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details[data-menu][open]");
    close(null);
    open?.querySelector("summary").focus();
  });
}
