// The script of the page. It sends what stands in a form to the service and shows what the service says.
// What comes from the service is put into the page as text (`textContent`), never as HTML.

const PATIENCE = 15_000; // milliseconds

/** Something went wrong, in the words of the service. `errors` are the wrong fields: `[{field, reason}, …]`. */
class Problem extends Error {
  constructor({ detail, errors = [] }) {
    super(detail);
    this.errors = errors;
  }
}

/** Send `body` to the service and return its answer. Throws a Problem where there is none. */
async function ask(url, body) {
  let response, answer;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    answer = await response.json();
  } catch {
    // No connection, no answer in time, or something in between that does not speak JSON.
    throw new Problem({ detail: "The service gave no answer. Does it run? Try again in a moment." });
  }
  if (!response.ok) {
    throw new Problem({ detail: `The service answered with status ${response.status}.`, ...answer });
  }
  return answer;
}

/**
 * Return what stands in a form as an object: true or false of a checkbox, numbers, and what is no number as it was
 * typed. An empty field is left out. The service judges all that: its rules need not be written twice.
 */
function readForm(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name) {
      continue; // a button, or a field that is not for the service
    }
    if (field.type === "checkbox") {
      body[field.name] = field.checked;
    } else if (field.value.trim() !== "") {
      const number = Number(field.value);
      body[field.name] = Number.isFinite(number) ? number : field.value;
    }
  }
  return body;
}

/** Make an element that holds `text`. */
function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

const percent = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 });

/** Show `answer` of the model of houses in `place`: the price, its likely range where there is one, each warning. */
function showPrice(place, answer) {
  // solution 2.7
  // "en-US" whatever language the browser speaks: the page is English. Cents would promise too much.
  const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
  const lines = [element("p", "price", dollars.format(answer.price))];
  if (answer.likely_range) {
    const { low, high, share } = answer.likely_range;
    lines.push(element("p", "range", `likely between ${dollars.format(low)} and ${dollars.format(high)}`));
    lines.push(element("p", "note", `This holds for about ${percent.format(share)} of houses.`));
  }
  for (const warning of answer.warnings) {
    lines.push(element("p", "warning", warning));
  }
  place.replaceChildren(...lines);
  //~ // `showSpecies` below shows how an answer gets into the page. A price reads "$468,200".
  // end solution
}

/** Show `answer` of the model of irises in `place`: the species, and how probable each one is. */
function showSpecies(place, answer) {
  const list = element("dl", "shares", "");
  for (const [species, share] of Object.entries(answer.probabilities)) {
    const bar = element("meter", "", "");
    bar.value = share;
    bar.ariaHidden = "true"; // the number beside it says the same
    const value = element("dd", "", percent.format(share));
    value.append(bar);
    list.append(element("dt", "", species), value);
  }
  place.replaceChildren(element("p", "price", `Iris ${answer.species}`), list);
}

/** Show `answer` of the model of customers in `place`: the segment, and what its number means. */
function showSegment(place, answer) {
  place.replaceChildren(
    element("p", "price", `Segment ${answer.segment}`),
    element("p", "range", `There are ${answer.segments}: 0 spends least, ${answer.segments - 1} spends most.`),
  );
}

const show = { "house-price": showPrice, iris: showSpecies, "customer-segment": showSegment };

/** Say beside a field why it is wrong: `aria-invalid` marks it, `aria-describedby` names the element with the reason. */
function markField(field, reason) {
  // solution 2.7
  const message = element("p", "problem", reason);
  message.id = `${field.id}-problem`;
  field.closest(".field").append(message);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", message.id);
  // What is folded away can neither be seen nor get the focus.
  field.closest("details")?.setAttribute("open", "");
  // end solution
}

/**
 * Show a problem: mark each wrong field, and give the first of them the focus. What belongs to no field of this form
 * goes into its alert. `problem.errors` has the wrong fields, `problem.message` says it all in one sentence.
 */
function showProblem(form, problem) {
  // solution 2.7
  const elsewhere = [];
  for (const { field, reason } of problem.errors) {
    const found = form.elements.namedItem(field);
    if (found) {
      markField(found, reason);
    } else {
      elsewhere.push(`${field}: ${reason}`);
    }
  }
  const first = form.querySelector("[aria-invalid]");
  first?.focus();
  if (elsewhere.length > 0 || !first) {
    form.querySelector("[role=alert]").textContent = elsewhere.join("; ") || problem.message;
  }
  // end solution
}

/** Take away all that `showProblem` and `markField` have put into a form. */
function clearProblem(form) {
  // solution 2.7
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    document.getElementById(field.getAttribute("aria-describedby")).remove();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  form.querySelector("[role=alert]").textContent = "";
  // end solution
}

/** Ask the model of a form about what stands in it. */
async function submit(form) {
  if (form.hasAttribute("data-busy")) {
    return; // a second click would only bring the same answer twice
  }
  const place = form.querySelector("[role=status], output"); // an <output> is a status by itself
  form.toggleAttribute("data-busy", true);
  clearProblem(form);
  try {
    const answer = await ask(`v1/${form.dataset.model}`, readForm(form));
    show[form.dataset.model](place, answer);
    place.append(element("p", "note", `Model version ${answer.model_version}`));
  } catch (problem) {
    if (!(problem instanceof Problem)) {
      throw problem; // a mistake in this script: the console shows it
    }
    place.replaceChildren(); // the old answer belongs to an old question
    showProblem(form, problem);
  } finally {
    form.toggleAttribute("data-busy", false);
  }
}

/** Let the list of neighbourhoods fill in zipcode, place and neighbours; a known zipcode that is typed does the same. */
async function offerNeighbourhoods(list, form) {
  const response = await fetch(list.dataset.places);
  const places = response.ok ? await response.json() : [];
  places.sort((one, other) => one.place.localeCompare(other.place, "en"));
  for (const { zipcode, place } of places) {
    list.append(new Option(`${place} (${zipcode})`, zipcode));
  }
  const typed = form.elements.namedItem("zipcode");
  const find = (zipcode) => places.find((place) => String(place.zipcode) === zipcode.trim());
  const choose = (place) => {
    list.value = place?.zipcode ?? "";
    for (const name of place ? ["zipcode", "lat", "long", "sqft_living15", "sqft_lot15"] : []) {
      const field = form.elements.namedItem(name);
      if (field) {
        field.value = place[name];
      }
    }
  };
  list.addEventListener("change", () => choose(find(list.value)));
  typed?.addEventListener("change", () => choose(find(typed.value)));
  list.value = find(typed?.value ?? "")?.zipcode ?? "";
}

/** Keep the areas of a house together: above ground is what the basement leaves of the living area. */
function keepAreasTogether(form) {
  const [living, above, basement] = ["sqft_living", "sqft_above", "sqft_basement"].map((name) =>
    form.elements.namedItem(name),
  );
  for (const field of [living, basement]) {
    field?.addEventListener("change", () => {
      const rest = Number(living?.value) - Number(basement?.value);
      if (above && rest > 0) {
        above.value = rest;
      }
    });
  }
}

for (const form of document.querySelectorAll("form[data-model]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault(); // else the browser would load the page again
    submit(form);
  });
}
const house = document.querySelector("form[data-model=house-price]");
keepAreasTogether(house);
offerNeighbourhoods(document.querySelector("[data-places]"), house);
