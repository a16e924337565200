"use strict";
{
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const inputs = filter ? [...filter.querySelectorAll("input, select")] : [];
  const scenarios = [...document.querySelectorAll(".scenario")];
  const parts = [...document.querySelectorAll(".part")];

  const chosen = () => inputs.filter((one) => (one.type === "checkbox" ? one.checked : one.value));
  const within = (section, wanted) => section === wanted || section.startsWith(`${wanted}.`);
  const matches = {
    outcome: (scenario, input) => scenario.outcome === input.value,
    severity: (scenario, input) => scenario.severity === input.value,
    section: (scenario, input) => within(scenario.section, input.value),
    control: (scenario, input) => input.selectedOptions[0].dataset.sections.split(" ").includes(scenario.section),
  };

  // Of one kind any choice is enough; of every kind that is chosen from, one has to hold.
  function show() {
    const kinds = new Map();
    for (const one of chosen()) kinds.set(one.name, [...(kinds.get(one.name) ?? []), one]);
    let count = 0;
    for (const scenario of scenarios) {
      const holds = ([kind, wanted]) => wanted.some((input) => matches[kind](scenario.dataset, input));
      scenario.hidden = ![...kinds].every(holds);
      count += !scenario.hidden;
    }
    for (const part of parts) part.hidden = !part.querySelector(".scenario:not([hidden])");
    const words = chosen().map((one) => (one.name === "section" ? `section ${one.value}` : one.value));
    const why = words.length ? ` (${words.join(", ")})` : "";
    shown.textContent = `Scenarios shown: ${count} of ${scenarios.length}${why}.`;
    shown.classList.toggle("partly", words.length > 0);
  }

  function take(wanted) {
    for (const one of inputs) {
      if (one.type === "checkbox") one.checked = wanted.getAll(one.name).includes(one.value);
      else one.selectedIndex = Math.max(0, [...one.options].findIndex((option) => option.value === wanted.get(one.name)));
    }
    show();
  }

  function remember() {
    const wanted = new URLSearchParams(chosen().map((one) => [one.name, one.value]));
    history.replaceState(null, "", `#${wanted}`);
    show();
  }

  // The address says what is shown: a filter, or one place in the page, which is then neither left out nor folded.
  function follow() {
    const place = document.getElementById(location.hash.slice(1));
    if (!place) {
      take(new URLSearchParams(location.hash.slice(1)));
      if (chosen().length) filter.scrollIntoView();
      return;
    }
    if (place.closest("[hidden]")) take(new URLSearchParams());
    const folded = place.closest("details");
    if (folded) folded.open = true;
    place.scrollIntoView();
  }

  if (filter) {
    filter.hidden = false;
    filter.addEventListener("change", remember);
    filter.querySelector("button").addEventListener("click", () => {
      take(new URLSearchParams());
      remember();
    });
    addEventListener("hashchange", follow);
    show();
    if (location.hash) follow();
  }
}
