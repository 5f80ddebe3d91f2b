// What every page gains by scripts; all of it works without, except being live.
import { filters } from "./filter.js";
import { live } from "./live.js";
import { menus } from "./menus.js";
import { taskForm } from "./taskform.js";
import { times } from "./times.js";
import { upload } from "./upload.js";

document.documentElement.classList.add("scripted");
for (const hidden of document.querySelectorAll("[data-scripted]")) hidden.hidden = false;
times();
menus();
live();
filters();
upload();
taskForm();
