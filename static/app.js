// What plain links and forms cannot do. Delegated listeners, so swapped-in content just works.
(() => {
  "use strict";

  const typing = (target) => target.closest?.("input, select, textarea, [contenteditable]");

  // Copy buttons: <button data-copy="id of the element with the text">
  async function copyText(source) {
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Plain http has no clipboard API: select the text and let the browser copy it.
      getSelection().selectAllChildren(source);
      return document.execCommand("copy");
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    const label = button.querySelector("span") ?? button;
    const before = (button.dataset.label ??= label.textContent);
    const done = await copyText(source);
    label.textContent = done ? "Copied" : "Press Ctrl+C";
    button.classList.toggle("done", done);
    setTimeout(() => {
      label.textContent = before;
      button.classList.remove("done");
    }, 2000);
  });

  // Menus close on a click elsewhere and on Escape.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target));

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });

  // Dialogs: <button data-dialog="id">
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dialog]");
    if (button) document.getElementById(button.dataset.dialog).showModal();
  });

  // Forms that need no button when scripts run: <form data-auto>
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && !event.target.closest("[data-manual]")) form.requestSubmit();
  });

  // Keys: an element with data-key="t" or "g k" is clicked (a field is focused) by its keys.
  let pending = "";
  let pendingTimer = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (!document.querySelector("details.menu[open]")) document.querySelector("[data-close-sheet]")?.click();
      const menu = document.activeElement?.closest("details.menu[open]");
      closeMenus(null);
      menu?.querySelector("summary").focus();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key.length !== 1 || typing(event.target) || document.querySelector("dialog[open]")) return;
    const pressed = pending ? `${pending} ${event.key}` : event.key;
    clearTimeout(pendingTimer);
    pending = "";
    const found = document.querySelector(`[data-key="${CSS.escape(pressed)}"]`);
    if (found) {
      event.preventDefault();
      found.click();
      // What is typed next is meant for the menu that opened.
      found.parentElement.querySelector("label :is(input, select)")?.focus();
    } else if (event.key === "g") {
      pending = "g";
      pendingTimer = setTimeout(() => { pending = ""; }, 1200);
    }
  });

  // On a phone the main menu scrolls sideways: begin where the page is.
  document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // Elements with hx-trigger="refresh" and data-refresh="15" ask for themselves while visible.
  const asked = new WeakMap();
  setInterval(() => {
    if (document.visibilityState !== "visible") return;
    for (const element of document.querySelectorAll("[data-refresh]")) {
      const due = (asked.get(element) ?? performance.now()) + element.dataset.refresh * 1000;
      if (!asked.has(element)) asked.set(element, performance.now());
      else if (performance.now() >= due && !element.matches(":focus-within, :hover:active")) {
        asked.set(element, performance.now());
        element.dispatchEvent(new CustomEvent("refresh"));
      }
    }
  }, 1000);

  // Forms whose checkboxes are one parameter: <form data-join="columns"> sends columns=a,b
  document.addEventListener("formdata", (event) => {
    const name = event.target.dataset.join;
    if (name) event.formData.set(name, event.formData.getAll(name).join(","));
  });

  // Live rows: a stream (data-live) is followed while its button is pressed and the page visible.
  // Its address ends with the place up to which it was followed, so what came since comes first.
  const ROWS_MAX = 200;
  let stream, followed, live, missing, atMost;
  function follow() {
    const button = document.querySelector("[data-live]");
    const url = live && !document.hidden && button?.dataset.live;
    button?.setAttribute("aria-pressed", !!live);
    if (url === followed) return;
    stream?.close();
    followed = url;
    if (!url) return;
    stream = new EventSource(url);
    stream.addEventListener("rows", ({ data, lastEventId }) => {
      const [, sure, unsure, html] = /(\d+) (\d+)\s*(.*)/s.exec(data);
      const body = document.getElementById("event-rows");
      const box = document.createElement("template");
      box.innerHTML = html;
      const told = document.getElementById("missed");
      if (told.hidden) [missing, atMost] = [0, ""];
      missing += +sure + +unsure;
      for (const row of [...box.content.children]) missing -= put(row, body);
      htmx.process(body);
      for (; body.rows.length > ROWS_MAX; body.dataset.older = "") body.deleteRow(-1);
      if (missing > 0 && +unsure) atMost = "at most ";
      told.querySelector("b").textContent = atMost + missing.toLocaleString();
      told.hidden = missing < 1;
      const button = document.querySelector("[data-live]");
      followed = button.dataset.live = button.dataset.live.replace(/[\d-]*$/, lastEventId);
    });
    stream.addEventListener("error", () => {
      // Refused: after all else the browser comes back by itself.
      if (stream.readyState === 2) press(false);
    });
  }
  // Ids of events are in the order of their times. How many rows it put: what is older than the
  // list belongs to its next page.
  function put(row, body) {
    const id = (one) => one.querySelector("a").getAttribute("href");
    const next = [...body.rows].find((one) => id(one) <= id(row));
    if (next ? id(next) === id(row) : body.dataset.older === "") return 0;
    body.insertBefore(row, next ?? null);
    return 1;
  }
  function press(pressed) {
    live = pressed;
    follow();
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-live]")) press(!live);
  });
  document.addEventListener("visibilitychange", follow);

  // Exports: <a data-export> counts the lines that come, against the LLMtrack-Rows header. What is
  // too much for memory, and what is no file but says why, is left to the browser.
  const EXPORT_ROWS_MAX = 200000;
  let exporting;
  async function download(link) {
    const place = link.parentElement.querySelector(".export-progress");
    const bar = place.querySelector("progress");
    const text = place.querySelector("output");
    const cancel = document.createElement("button");
    const { signal } = exporting = new AbortController();
    cancel.type = "button";
    cancel.className = "button small";
    cancel.textContent = "Cancel";
    // Not at once: who listens next would find the button gone, and close its menu.
    cancel.onclick = () => setTimeout(() => exporting?.abort());
    place.append(cancel);
    place.hidden = false;
    bar.ariaLabel = "Export";
    bar.removeAttribute("value");
    text.textContent = "asking";
    try {
      const answer = await fetch(link.href, { signal });
      const name = /filename="(.+?)"/.exec(answer.headers.get("Content-Disposition"))?.[1];
      const rows = Number(answer.headers.get("LLMtrack-Rows"));
      if (!name || rows > EXPORT_ROWS_MAX) {
        exporting.abort();
        place.hidden = true;
        return location.assign(link.href);
      }
      bar.max = Math.max(rows, 1);
      const parts = [];
      let lines = 0;
      for (const reader = answer.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        for (const byte of value) lines += byte === 10;
        bar.value = lines;
        text.textContent = `${lines.toLocaleString()} of at most ${rows.toLocaleString()}`;
      }
      const saved = document.createElement("a");
      saved.href = URL.createObjectURL(new Blob(parts, { type: answer.headers.get("Content-Type") }));
      saved.download = name;
      saved.click();
      setTimeout(() => URL.revokeObjectURL(saved.href), 60000);
      bar.value = bar.max;
      text.textContent = `${name} is saved`;
    } catch (error) {
      bar.value = 0;
      text.textContent = signal.aborted ? "Cancelled" : `Failed: ${error.message}`;
    } finally {
      if (cancel.matches(":focus")) link.focus();
      cancel.remove();
      exporting = null;
    }
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-export]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!exporting) download(link);
  });

  // While the server does not answer, what is shown grows old.
  let silence;
  document.addEventListener("htmx:error", ({ detail }) => {
    if (detail.ctx?.response || silence?.isConnected) return;
    silence = document.createElement("p");
    silence.className = "notice warn silence";
    silence.role = "status";
    document.getElementById("content").append(silence);
    const [, since] = /Updated (.*)/.exec(document.getElementById("report")?.textContent) ?? [];
    // Only what changes is read out.
    setTimeout(() => {
      silence.textContent = `Cannot reach the server.${since ? ` Shown as of ${since}` : ""}`;
    }, 100);
  });
  document.addEventListener("htmx:after:request", () => silence?.remove());

  // The sheet beside a list: focus goes in when it opens, Escape closes it, focus is back on its link.
  let before, back;
  addEventListener("popstate", () => { back = true; });
  document.addEventListener("htmx:after:swap", () => {
    const link = document.querySelector(`#event-rows [href="${before}"]`);
    const content = back && document.activeElement === document.body && document.getElementById("content");
    (document.querySelector("#sheet h1") ?? link ?? content)?.focus?.({ preventScroll: content });
    before = location.pathname;
    back = false;
    charts.clear();
    follow();
  });
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    // Another sheet in the place of one that is open: going back leads to the list.
    if (ctx.target.matches(".sheet")) ctx.replace = "true";
    // A refresh leaves open what is open.
    if (!ctx.sourceElement.dataset.refresh) closeMenus(null);
  });
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close-sheet]");
    const sheet = close?.closest(".sheet");
    // Opened from the list below it: go back to exactly that page of the list.
    if (sheet && document.querySelector("#event-rows")) {
      event.preventDefault();
      history.back();
    }
  });

  // Charts: <figure class="chart" data-chart> with a plot, a tooltip and its data table, whose
  // rows are the bars: their cells fill the tooltip, data-from/-to are what a drag zooms to.
  const charts = new Map();
  const parts = (figure) => {
    let found = charts.get(figure);
    if (!found) {
      found = {
        svg: figure.querySelector(".plot svg"),
        cursor: figure.querySelector(".cursor"),
        tip: figure.querySelector(".tip"),
        rows: [...figure.querySelectorAll("tbody tr")],
        heads: [...figure.querySelectorAll("thead th")],
        at: -1,
      };
      charts.set(figure, found);
    }
    return found;
  };
  const barAt = (chart, clientX) => {
    const box = chart.svg.getBoundingClientRect();
    const place = Math.floor(((clientX - box.left) / box.width) * chart.rows.length);
    return Math.max(0, Math.min(chart.rows.length - 1, place));
  };

  // What a known cell of money rounds: its row has the pico-dollars of all but the total: "12e7".
  function exactOf(cell) {
    const picos = cell.parentElement.dataset.pico
      ?.replace(/e(\d+)/g, (_, zeros) => "0".repeat(zeros)).split(" ");
    const own = picos?.[cell.cellIndex - 1] ?? picos?.reduce((sum, part) => sum + BigInt(part), 0n);
    if (!picos || own === "") return "";
    const pico = BigInt(own);
    const digits = `${pico < 0n ? -pico : pico}`.padStart(13, "0");
    const rest = digits.slice(-12).replace(/0+$/, "").padEnd(2, "0");
    return `${pico < 0n ? "-" : ""}$${digits.slice(0, -12)}.${rest}`;
  }
  document.addEventListener("mouseover", ({ target }) => {
    const cell = target.closest?.("[data-pico] > td");
    if (cell) cell.title ||= exactOf(cell);
  });

  function line(name, cell, series) {
    const row = document.createElement("div");
    const mark = document.createElement("i");
    mark.className = `swatch ${series ?? "none"}`;
    const label = document.createElement("span");
    label.textContent = name;
    label.dir = "auto";
    const figure = document.createElement("b");
    figure.textContent = cell.textContent.trim();
    const exact = document.createElement("small");
    const amount = exactOf(cell);
    if (amount !== figure.textContent.replaceAll(",", "")) exact.textContent = amount;
    row.append(mark, label, figure, exact);
    return row;
  }

  function fillTip(chart, index) {
    const [head, ...cells] = chart.rows[index].children;
    const title = document.createElement("strong");
    title.textContent = head.textContent.trim();
    chart.tip.replaceChildren(title);
    cells.forEach((cell, place) => {
      if (/[1-9]/.test(cell.textContent)) {
        const name = chart.heads[place + 1];
        chart.tip.append(line(name.textContent, cell, name.dataset.series));
      }
    });
  }

  function show(chart, index, last = index) {
    const [low, high] = [Math.min(index, last), Math.max(index, last)];
    chart.cursor.setAttribute("x", low);
    chart.cursor.setAttribute("width", high - low + 1);
    chart.cursor.removeAttribute("hidden");
    if (chart.at !== index) {
      chart.at = index;
      fillTip(chart, index);
    }
    chart.tip.hidden = false;
    const share = (index + 0.5) / chart.rows.length;
    const spot = share * chart.svg.clientWidth;
    const room = chart.svg.clientWidth - chart.tip.offsetWidth;
    const beside = share > 0.5 ? spot - chart.tip.offsetWidth - 14 : spot + 14;
    chart.tip.style.translate = `${Math.max(0, Math.min(room, beside))}px 0`;
  }

  function hide(chart) {
    chart.tip.hidden = true;
    chart.cursor.setAttribute("hidden", "");
    chart.at = -1;
  }

  function zoom(figure, { rows }, index, last) {
    if (!figure.dataset.zoom) return;
    const [low, high] = [Math.min(index, last), Math.max(index, last)];
    const url = new URL(figure.dataset.zoom, location);
    url.searchParams.set("from", rows[low].dataset.from);
    url.searchParams.set("to", rows[high].dataset.to ?? rows[high].dataset.from);
    const now = new URLSearchParams(location.search);
    if (["from", "to"].every((name) => now.get(name) === url.searchParams.get(name))) return;
    // Without its source it would be asked for as a whole page.
    htmx.ajax("GET", url.href, { source: "#report", target: "#report", swap: "outerMorph", push: "true" });
  }

  const figureOf = (event) => event.target.closest?.("[data-chart]");
  let drag = null;

  document.addEventListener("pointermove", (event) => {
    if (drag) {
      show(drag.chart, barAt(drag.chart, event.clientX), drag.first);
      return;
    }
    const plot = event.target.closest?.("[data-chart] .plot");
    if (plot) {
      const chart = parts(plot.closest("[data-chart]"));
      show(chart, barAt(chart, event.clientX));
    }
  });
  document.addEventListener("pointerout", (event) => {
    const plot = event.target.closest?.("[data-chart] .plot");
    if (plot && !drag && !plot.contains(event.relatedTarget)) hide(parts(plot.closest("[data-chart]")));
  });
  document.addEventListener("pointerdown", (event) => {
    const plot = event.target.closest?.("[data-chart] .plot");
    if (!plot || event.button !== 0 || event.pointerType === "touch") return;
    const figure = plot.closest("[data-chart]");
    const chart = parts(figure);
    drag = { figure, chart, first: barAt(chart, event.clientX), x: event.clientX };
    event.preventDefault();
    figure.focus({ preventScroll: true });
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { figure, chart, first, x } = drag;
    drag = null;
    const last = barAt(chart, event.clientX);
    if (Math.abs(event.clientX - x) > 6 && last !== first) zoom(figure, chart, first, last);
    else show(chart, last);
  });
  document.addEventListener("pointercancel", () => { drag = null; });

  document.addEventListener("keydown", (event) => {
    const figure = figureOf(event);
    if (!figure || event.target !== figure || event.ctrlKey || event.metaKey || event.altKey) return;
    const chart = parts(figure);
    const last = chart.rows.length - 1;
    if (last < 0) return;
    const at = chart.at;
    const next = {
      ArrowRight: at < 0 ? 0 : Math.min(last, at + 1),
      ArrowLeft: at < 0 ? last : Math.max(0, at - 1),
      Home: 0,
      End: last,
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      show(chart, next);
    } else if (event.key === "Enter" && at >= 0) {
      zoom(figure, chart, at, at);
    } else if (event.key === "Escape") {
      hide(chart);
    }
  });
  document.addEventListener("focusout", (event) => {
    const figure = figureOf(event);
    if (figure && event.target === figure && !drag) hide(parts(figure));
  });
})();
