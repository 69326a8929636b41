// exercise: 2.7
// file: page/page.js
// accepted: a script of one's own: one listener for the document, XMLHttpRequest, text nodes
const WHOLE_DOLLARS = { style: "currency", currency: "USD", minimumFractionDigits: 0, maximumFractionDigits: 0 };

function paragraphs(place, texts) {
  place.textContent = "";
  texts.forEach((text) => {
    const line = document.createElement("p");
    line.appendChild(document.createTextNode(text));
    place.appendChild(line);
  });
}

function sentences(model, answer) {
  const dollars = (amount) => amount.toLocaleString("en-US", WHOLE_DOLLARS);
  switch (model) {
    case "house-price": {
      const between = answer.likely_range;
      const range = between ? [`${dollars(between.low)} to ${dollars(between.high)}`] : [];
      return [dollars(answer.price), ...range, ...answer.warnings.map((warning) => `Note: ${warning}`)];
    }
    case "iris":
      return [`It is an iris ${answer.species}.`];
    default:
      return [`Segment ${answer.segment} of ${answer.segments}`];
  }
}

function valueOf(field) {
  if (field.matches("[type=checkbox]")) {
    return field.checked;
  }
  // An empty field is `null`, a text stays one: the service says what it thinks of both.
  return field.value === "" ? null : isNaN(field.value) ? field.value : parseFloat(field.value);
}

function complain(form, problem) {
  const wrong = (problem.errors || []).filter((error) => form.querySelector(`[name="${CSS.escape(error.field)}"]`));
  wrong.forEach((error, place) => {
    const field = form.querySelector(`[name="${CSS.escape(error.field)}"]`);
    const id = `${form.dataset.model}-${error.field}-error`;
    const words = document.getElementById(id) || document.createElement("span");
    words.id = id;
    words.dataset.words = "";
    words.textContent = error.reason;
    field.insertAdjacentElement("afterend", words);
    field.setAttribute("aria-invalid", true);
    field.setAttribute("aria-describedby", id);
    if (field.closest("details")) {
      field.closest("details").open = true;
    }
    if (place === 0) {
      field.focus();
    }
  });
  const others = (problem.errors || []).filter((error) => !wrong.includes(error)).map((error) => error.reason);
  if (wrong.length === 0 || others.length > 0) {
    form.querySelector("[role=alert]").innerText = [problem.detail, ...others].join(" ");
  }
}

function forget(form) {
  form.querySelectorAll("[data-words]").forEach((words) => words.remove());
  form.querySelectorAll("[aria-invalid]").forEach((field) => {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  });
  form.querySelector("[role=alert]").innerText = "";
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const place = form.querySelector("output, [role=status]");
  const fields = [...form.elements].filter((field) => field.name);
  const request = new XMLHttpRequest();
  const gone = () => {
    paragraphs(place, []);
    complain(form, { detail: "No connection to the service." });
  };
  forget(form);
  request.open("POST", "/v1/" + form.dataset.model);
  request.setRequestHeader("Content-Type", "application/json");
  request.timeout = 10000;
  request.responseType = "json";
  request.onerror = request.ontimeout = gone;
  request.onload = () => {
    if (request.status === 200) {
      paragraphs(place, sentences(form.dataset.model, request.response));
    } else {
      paragraphs(place, []);
      complain(form, request.response || { detail: `Status ${request.status}` });
    }
  };
  request.send(JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]))));
});
