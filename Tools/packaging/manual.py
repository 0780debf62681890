"""Makes a manual page from the JSON of `TOOL --experimental-dump-help`, a description by swift-argument-parser."""
import datetime


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def names(argument):
    """-o, --output FILE, in roff."""
    if argument["kind"] == "positional": return f"\\fI{escaped(argument['valueName'])}\\fR"
    spelled = sorted(argument["names"], key=lambda n: n["kind"] != "short")
    text = ", ".join(f"\\fB{escaped(('-' if n['kind'] == 'short' else '--') + n['name'])}\\fR" for n in spelled)
    return text if argument["kind"] == "flag" else f"{text} \\fI{escaped(argument.get('valueName', ''))}\\fR"


def description(argument):
    text = argument.get("abstract", "")
    facts = []
    if argument.get("allValues"): facts.append("values: " + ", ".join(argument["allValues"]))
    if argument.get("defaultValue"): facts.append("default: " + argument["defaultValue"])
    return escaped(text + (f" ({'; '.join(facts)})" if facts else ""))


def shown(command):
    return [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]


def usage(command, name):
    words = [f"\\fB{escaped(name)}\\fR"]
    if command.get("subcommands"): words.append("[\\fIsubcommand\\fR]")
    if any(a["kind"] != "positional" for a in shown(command)): words.append("[\\fIoptions\\fR]")
    for a in shown(command):
        if a["kind"] == "positional":
            word = f"\\fI{escaped(a['valueName'])}\\fR" + (" ..." if a["isRepeating"] else "")
            words.append(f"[{word}]" if a["isOptional"] else word)
    return " ".join(words)


def options(command):
    lines = []
    for argument in shown(command):
        if argument["kind"] == "positional" and not argument.get("abstract"): continue
        lines += [".TP", names(argument), description(argument)]
    return lines


def discussion(text):
    """Lines in capitals are headings; what is indented stays as it is."""
    lines, is_table = [], False
    def table(wanted):
        nonlocal is_table
        if wanted != is_table: lines.append(".nf" if wanted else ".fi")
        is_table = wanted
    for line in text.split("\n"):
        if line.strip() and line == line.upper() and line[0].isalpha():
            table(False)
            lines.append(f'.SH "{escaped(line)}"')
        elif line.startswith("  "):
            table(True)
            lines.append(escaped(line))
        elif not line.strip():
            table(False)
            if lines and not lines[-1].startswith(".SH"): lines.append(".PP")
        else:
            table(False)
            lines.append(escaped(line))
    table(False)
    return lines


def page(description, version, seconds):
    """The page's text, dated by seconds since 1970."""
    command = description["command"]
    name = command["commandName"]
    date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d")
    abstract = command.get("abstract", "")
    subcommands = [
        s for s in command.get("subcommands") or [] if s.get("shouldDisplay", True) and s["commandName"] != "help"]
    lines = [
        f'.TH "{name.upper()}" 1 "{date}" "srdiff {version}" "User Commands"', ".SH NAME",
        f"{escaped(name)} \\- {escaped(abstract[:1].lower() + abstract[1:].rstrip('.'))}", ".SH SYNOPSIS",
        usage(command, name)]
    for sub in subcommands: lines += [".br", usage(sub, f"{name} {sub['commandName']}")]
    lines += [".SH DESCRIPTION", escaped(abstract), ".SH OPTIONS", *options(command)]
    for sub in subcommands:
        standard = " (when no subcommand is named)" if sub["commandName"] == command.get("defaultSubcommand") else ""
        lines += [
            f'.SH "SUBCOMMAND {escaped(sub["commandName"]).upper()}"', escaped(sub.get("abstract", "")) + standard]
        lines += options(sub)
        if sub.get("discussion"): lines += [".PP", *discussion(sub["discussion"])]
    if command.get("discussion"): lines += discussion(command["discussion"])
    return "\n".join(lines) + "\n"
