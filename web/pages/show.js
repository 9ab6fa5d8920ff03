/** The player's page: `/shows/{show}`. */

import "../elements/show-page.js";
import { publishStats } from "../store/stats.js";

publishStats();
