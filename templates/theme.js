/* Before anything is drawn: the colours that the reader chose. */
try { document.documentElement.dataset.theme = localStorage.getItem("reportgen-theme") || ""; } catch { }
