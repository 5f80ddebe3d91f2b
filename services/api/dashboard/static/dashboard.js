// What every page gains by scripts; all of it works without, except being live.
import { localTimes } from "./times.js";
import { live } from "./live.js";
import { menus } from "./menus.js";

localTimes(document);
menus();
live();
