#compdef coroner

autoload -U is-at-least

_coroner() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_coroner_commands" \
"*::: :->coroner" \
&& ret=0
    case $state in
    (coroner)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-command-$line[1]:"
        case $line[1] in
            (triage)
_arguments "${_arguments_options[@]}" : \
'--baseline=[Show only what is new or worse since this triage, which \`--format json\` wrote]:OLD.json:_files' \
'*--ignore=[Leave findings of these codes out, such as \`blob/unknown\` or \`bolt/*\`; the verdict still counts them]:CODE:_default' \
'--fail-on=[From which severity on a finding counts for the exit code]:SEVERITY:((note\:"Every finding"
odd\:"Whatever is above a note"
damage\:"Damage, and what is fatal"
fatal\:"Only what is fatal"
never\:"No finding"))' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--sample[Examine the broken node that comes with coroner]' \
'--hash[Re-hash every blob of the content store]' \
'--usage[Measure the directory of every committed layer and compare it with what it was]' \
'--layers[Compare every committed layer, file by file, with the blob that it was unpacked from, and read every layer'\''s blob to its end]' \
'--summary[Only the first screen\: the verdict, what a start would do, and which kinds of findings]' \
'--notes[Show notes in full, too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::evidence -- The node\: `/`, a mounted image, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
":: :_coroner__subcmd__triage_commands" \
"*::: :->triage" \
&& ret=0

    case $state in
    (triage)
        words=($line[2] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-triage-command-$line[2]:"
        case $line[2] in
            (diff)
_arguments "${_arguments_options[@]}" : \
'--fail-on=[From which severity on what is new or worse counts for the exit code]:SEVERITY:((note\:"Every finding"
odd\:"Whatever is above a note"
damage\:"Damage, and what is fatal"
fatal\:"Only what is fatal"
never\:"No finding"))' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':a -- The older triage, as `coroner triage --format json` wrote it:_files' \
':b -- The newer one:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__triage__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-triage-help-command-$line[1]:"
        case $line[1] in
            (diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--baseline=[Show only what is new or worse since this triage, which \`--format json\` wrote]:OLD.json:_files' \
'*--ignore=[Leave findings of these codes out, such as \`blob/unknown\` or \`bolt/*\`; the verdict still counts them]:CODE:_default' \
'--fail-on=[From which severity on a finding counts for the exit code]:SEVERITY:((note\:"Every finding"
odd\:"Whatever is above a note"
damage\:"Damage, and what is fatal"
fatal\:"Only what is fatal"
never\:"No finding"))' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--sample[Examine the broken node that comes with coroner]' \
'--hash[Re-hash every blob of the content store]' \
'--usage[Measure the directory of every committed layer and compare it with what it was]' \
'--layers[Compare every committed layer, file by file, with the blob that it was unpacked from, and read every layer'\''s blob to its end]' \
'--summary[Only the first screen\: the verdict, what a start would do, and which kinds of findings]' \
'--notes[Show notes in full, too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::evidence -- The node\: `/`, a mounted image, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
":: :_coroner__subcmd__check_commands" \
"*::: :->check" \
&& ret=0

    case $state in
    (check)
        words=($line[2] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-check-command-$line[2]:"
        case $line[2] in
            (diff)
_arguments "${_arguments_options[@]}" : \
'--fail-on=[From which severity on what is new or worse counts for the exit code]:SEVERITY:((note\:"Every finding"
odd\:"Whatever is above a note"
damage\:"Damage, and what is fatal"
fatal\:"Only what is fatal"
never\:"No finding"))' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':a -- The older triage, as `coroner triage --format json` wrote it:_files' \
':b -- The newer one:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__check__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-check-help-command-$line[1]:"
        case $line[1] in
            (diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(preflight)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--daemon=[The release that would be started (1.6, 1.7.24, 2.1, ...); else the one that the node shows]:RELEASE:_default' \
'--at=[When it would be started (RFC 3339, or \`now\`)\: leases expire; else when the evidence was taken]:TIME:_default' \
'--all[Name everything that would be removed, not only the first]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'::code -- A code, a part of one, or a piece of a log line of containerd'\''s:_default' \
&& ret=0
;;
(meta)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__meta_commands" \
"*::: :->meta" \
&& ret=0

    case $state in
    (meta)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-meta-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
'-n+[Only this namespace]:NAME:_default' \
'--namespace=[Only this namespace]:NAME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':kind -- What to list:((namespaces\:"Namespaces"
images\:"Images"
containers\:"Containers (records, not tasks)"
snapshots\:"Snapshots"
content\:"Blobs of the content store"
ingests\:"Unfinished writes into the content store"
leases\:"Leases"
sandboxes\:"Sandboxes of the sandbox store"
pods\:"Pods, as the CRI knows them"))' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(history)
_arguments "${_arguments_options[@]}" : \
'-n+[Only in this namespace]:NAME:_default' \
'--namespace=[Only in this namespace]:NAME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':kind -- What it is:((namespaces\:"Namespaces"
images\:"Images"
containers\:"Containers (records, not tasks)"
snapshots\:"Snapshots"
content\:"Blobs of the content store"
ingests\:"Unfinished writes into the content store"
leases\:"Leases"
sandboxes\:"Sandboxes of the sandbox store"
pods\:"Pods, as the CRI knows them"))' \
':name -- Its name, or the beginning of it if that is enough; NAMESPACE/NAME, too:_default' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'-n+[Only in this namespace]:NAME:_default' \
'--namespace=[Only in this namespace]:NAME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':kind -- What it is:((namespaces\:"Namespaces"
images\:"Images"
containers\:"Containers (records, not tasks)"
snapshots\:"Snapshots"
content\:"Blobs of the content store"
ingests\:"Unfinished writes into the content store"
leases\:"Leases"
sandboxes\:"Sandboxes of the sandbox store"
pods\:"Pods, as the CRI knows them"))' \
':name -- Its name, or the beginning of it if that is enough; NAMESPACE/NAME, too:_default' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__meta__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-meta-help-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(history)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(content)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__content_commands" \
"*::: :->content" \
&& ret=0

    case $state in
    (content)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-content-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(cat)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--platform=[Which platform of an image with several\: \`linux/arm64\`]:OS/ARCH:_default' \
'(--pretty)--inflate[Inflate a layer\: its tar]' \
'--pretty[Indent a manifest, index or configuration]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- A digest or the beginning of one; an image; or IMAGE\:/PATH, a file of its layers:_default' \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--layout=[Write an OCI layout into this new directory, instead of an archive to \`-o\`]:DIR:_files' \
'(--layout)--archive=[What kind of archive]:ARCHIVE:((oci\:"An OCI layout as a tar\: \`ctr images import\`, \`skopeo copy oci-archive\:\`, \`docker load\`"
docker\:"What \`docker save\` wrote before release 25\: layers inflated, one platform"))' \
'--platform=[Only this platform\: \`linux/arm64\`, \`arm64\`, \`linux/arm/v7\`]:OS/ARCH:_default' \
'--manifest=[Write what was written, rebuilt and left out to this new file, as JSON]:FILE:_files' \
'--only-blobs[Rebuild nothing\: what has not all of its blobs is left out]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- An image, or the digest of a manifest or index:_default' \
&& ret=0
;;
(graph)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--dot[As a graph for \`dot\` of Graphviz]' \
'--hash[Hash the bytes of every blob of it, too]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- An image, a digest or the beginning of one:_default' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'-j+[How many blobs are read at the same time. If not given\: as many as there are cores, and one on a rotational disk]:N:_default' \
'--jobs=[How many blobs are read at the same time. If not given\: as many as there are cores, and one on a rotational disk]:N:_default' \
'--max-inflate=[How much of one layer is inflated at most\: \`16G\`. If not given\: 4 GiB, or 200 bytes for each packed one where that is more, at most 64 GiB]:SIZE:_default' \
'--sample=[Read only so many of the blobs\: \`5%\`]:PERCENT:_default' \
'--seed=[Which blobs a sample picks\: another number, other blobs]:N:_default' \
'--time-limit=[End after this time, with what was read until then\: \`90s\`, \`15m\`, \`2h\`]:TIME:_default' \
'--resume=[Keep what was verified in this file, outside the evidence, and do not read it again if the file is there]:FILE:_files' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--layers[Inflate layers, too\: their diffIDs, their tars]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__content__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-content-help-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cat)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(graph)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(snapshots)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__snapshots_commands" \
"*::: :->snapshots" \
&& ret=0

    case $state in
    (snapshots)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-snapshots-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--usage[Measure the directory of every committed layer and compare it with what it was]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--snapshotter=[The snapshotter, where several have it]:NAME:_default' \
'--jobs=[How many layers are read at the same time; without it, as many as there are cores, one on a rotational disk]:N:_default' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
'::name -- Only the layers of this container, image or snapshot (see `files`); all, if it is not given:_default' \
&& ret=0
;;
(files)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--snapshotter=[The snapshotter, where several have it]:NAME:_default' \
'--userxattr[Read the marks of a mount with \`userxattr\` (rootless)\: \`user.overlay.*\`]' \
'--xattrs[Give extended attributes as the mount shows them (with \`--format json\`)]' \
'--sha256[Hash every file]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/` before them if you like), or the number of a snapshot'\''s directory:_default' \
'::path -- What to list, with everything below it:_files' \
&& ret=0
;;
(cat)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--snapshotter=[The snapshotter, where several have it]:NAME:_default' \
'--userxattr[Read the marks of a mount with \`userxattr\` (rootless)\: \`user.overlay.*\`]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/` before them if you like), or the number of a snapshot'\''s directory:_default' \
':path -- The file; links are followed inside the container'\''s tree:_files' \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--snapshotter=[The snapshotter, where several have it]:NAME:_default' \
'--with=[Compare with this container, image or snapshot instead of with what it stands on]:NAME:_default' \
'--userxattr[Read the marks of a mount with \`userxattr\` (rootless)\: \`user.overlay.*\`]' \
'--all[Show files that were copied up and are what they were, too]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/` before them if you like), or the number of a snapshot'\''s directory:_default' \
&& ret=0
;;
(orphans)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(extract)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--snapshotter=[The snapshotter, where several have it]:NAME:_default' \
'--userxattr[Read the marks of a mount with \`userxattr\` (rootless)\: \`user.overlay.*\`]' \
'--live[Make devices, FIFOs and links that lead out, too, and give files their owners, setuid and attributes\: as root, for a tree that is to be run]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/` before them if you like), or the number of a snapshot'\''s directory:_default' \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--snapshotter=[The snapshotter, where several have it]:NAME:_default' \
'--manifest=[Write what became of each file to this new file, one JSON document a line]:FILE:_files' \
'--userxattr[Read the marks of a mount with \`userxattr\` (rootless)\: \`user.overlay.*\`]' \
'--layer[Only what the topmost layer changed, as a layer of an OCI image\: deleted names as \`.wh.…\`]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':name -- A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/` before them if you like), or the number of a snapshot'\''s directory:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__snapshots__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-snapshots-help-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(files)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cat)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(orphans)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(extract)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(runtime)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__runtime_commands" \
"*::: :->runtime" \
&& ret=0

    case $state in
    (runtime)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-runtime-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
'-n+[Only this namespace]:NAME:_default' \
'--namespace=[Only this namespace]:NAME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-a[Containers without a task, too\: those of meta.db and of the CRI plugin]' \
'--all[Containers without a task, too\: those of meta.db and of the CRI plugin]' \
'-h[Print help]' \
'--help[Print help]' \
'::node -- The node\: `/` for this machine, a bundle of `coroner collect`, a tar, a folder:_files' \
&& ret=0
;;
(stuck)
_arguments "${_arguments_options[@]}" : \
'-n+[Only this namespace]:NAME:_default' \
'--namespace=[Only this namespace]:NAME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-a[Healthy containers, too]' \
'--all[Healthy containers, too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::node -- The node\: `/` for this machine, a bundle of `coroner collect`, a tar, a folder:_files' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
':id -- Its id, or the beginning of it if that is enough:_default' \
'::node -- The node\: `/` for this machine, a bundle of `coroner collect`, a tar, a folder:_files' \
&& ret=0
;;
(fifo)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
':id -- The container'\''s id, or the beginning of it if that is enough:_default' \
'::node -- The node\: `/` for this machine, a bundle of `coroner collect`, a tar, a folder:_files' \
&& ret=0
;;
(shims)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(mounts)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--left[Only what is left over or broken]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':line -- The line, or a piece of it:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__runtime__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-runtime-help-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(stuck)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(fifo)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(shims)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(mounts)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(timeline)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--from=[Nothing before this\: 2026-11-21, 2026-11-21T08\:30 (UTC), or with seconds and a zone]:TIME:_default' \
'--to=[Nothing at this time or later]:TIME:_default' \
'*--only=[Only what is of this\: container=ID (or how it begins), namespace=NAME, image=NAME, kind=KIND, store=STORE, path=PATH (in the container); several of one key add]:KEY=VALUE:_default' \
'--output-format=[Write for another program, instead of --format]:PROGRAM:((jsonl\:"One JSON object a line, with the fields of Timesketch and Plaso, in order"
bodyfile\:"The body file of The Sleuth Kit, for mactime\: not in order, mactime sorts it"))' \
'--layers[Walk the files of committed layers, too, not only those of containers]' \
'(--layers)--no-files[Do not walk the files of containers]' \
'--no-carve[Do not look for what was deleted from the databases]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(bolt)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__bolt_commands" \
"*::: :->bolt" \
&& ret=0

    case $state in
    (bolt)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bolt-command-$line[1]:"
        case $line[1] in
            (info)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--threads=[Threads that read]:N:_default' \
'--limit=[How many findings of one code are shown]:N:_default' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(pages)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--state=[Only pages in this state]:STATE:_default' \
'(--state)--svg=[Draw the picture into this file, which must not exist]:PATH:_files' \
'(--state)--map[A picture of the file instead of the list\: a letter a page, or for some pages together]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(page)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--page-size=[Bytes of a page, if not what the metas say]:BYTES:_default' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
':number -- Which page:_default' \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'-L+[No deeper than this]:N:_default' \
'--level=[No deeper than this]:N:_default' \
'-d[Only buckets]' \
'--directories[Only buckets]' \
'--previous[The tree of the transaction before]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
'*::bucket -- Only what is in this bucket\: its keys from the root bucket on:_default' \
&& ret=0
;;
(keys)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--previous[In the tree of the transaction before]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
'*::bucket -- The bucket\: its keys from the root bucket on (0x and hex for bytes); the root bucket if none:_default' \
&& ret=0
;;
(buckets)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--previous[In the tree of the transaction before]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
'*::bucket -- The bucket\: its keys from the root bucket on (0x and hex for bytes); the root bucket if none:_default' \
&& ret=0
;;
(get)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--previous[In the tree of the transaction before]' \
'--raw[Write the value as it is]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
'*::path -- The buckets from the root bucket on, and the key last (0x and hex for bytes):_default' \
&& ret=0
;;
(stats)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'*--bucket=[Only this bucket\: its keys from the root bucket on (0x and hex for bytes)]:KEY:_default' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(dump)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--range=[Only the bytes from FIRST to before LAST (decimal, or 0x and hex)]:FIRST..LAST:_default' \
'(--range)--page=[Only this page, or the pages from FIRST to LAST]:N or FIRST..LAST:_default' \
'--old[Decode what is left on pages that are not in use, too]' \
'--hex[Show the bytes of every piece in hex]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
'::newer -- The newer database; without it, the file is compared with its own transaction before:_files' \
&& ret=0
;;
(carve)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--schema=[How to read records; auto\: containerd'\''s objects where the root bucket is containerd'\''s]:SCHEMA:(auto containerd none)' \
'*--status=[Only these\: deleted, older, uncommitted, unplaced, unknown, live; all but live if not given]:STATUS:_default' \
'--kind=[Only objects of this kind\: namespace, image, container, snapshot, backend, blob, ingest, lease, sandbox]:KIND:_default' \
'*-b+[Only below this bucket\: its keys from the root bucket on, one -b each (text, or 0x and hex)]:KEY:_default' \
'*--bucket=[Only below this bucket\: its keys from the root bucket on, one -b each (text, or 0x and hex)]:KEY:_default' \
'--since=[Only objects with a time at or after this]:TIME:_default' \
'--until=[Only objects without a time after this]:TIME:_default' \
'--limit=[How many are shown; 0\: all]:N:_default' \
'--page-size=[Bytes of a page, where the file does not say it]:BYTES:_default' \
'--spool=[Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files]:DIR:_files' \
'--details[Everything that is known of each, below the table]' \
'--raw[Values in full length]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(salvage)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--freelist=[Write a freelist or none; as the file has it if not given]:MODE:((synced\:"Written, as containerd up to 1.6 does"
unsynced\:"Not written, as in meta.db of containerd 1.7 and later"))' \
'--page-size=[Bytes of a page of the new file, if not those of the old one]:BYTES:_default' \
'--spool=[Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files]:DIR:_files' \
'--no-lost-found[Leave pages without a place out, instead of keeping them in the bucket lost+found]' \
'--only-proven[Put back only what is proven, not what is likely]' \
'--previous[Save the tree of the transaction before, not the newest one]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(compact)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--freelist=[Write a freelist or none; as the file has it if not given]:MODE:((synced\:"Written, as containerd up to 1.6 does"
unsynced\:"Not written, as in meta.db of containerd 1.7 and later"))' \
'--page-size=[Bytes of a page of the new file, if not those of the old one]:BYTES:_default' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(surgery)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__bolt__subcmd__surgery_commands" \
"*::: :->surgery" \
&& ret=0

    case $state in
    (surgery)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bolt-surgery-command-$line[1]:"
        case $line[1] in
            (meta)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--spool=[Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files]:DIR:_files' \
'--slot=[Only this meta; without it, each that is not valid]:0|1:_default' \
'--root=[The root page]:PAGE:_default' \
'--sequence=[The sequence of the root bucket]:N:_default' \
'--freelist=[The freelist page, or \`none\`]:PAGE|none:_default' \
'--high-water=[The first page that was never handed out]:PAGE:_default' \
'--txid=[The transaction]:N:_default' \
'--page-size=[Bytes of a page]:BYTES:_default' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(freelist)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--spool=[Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files]:DIR:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':how -- What to do with it:((abandon\:"The metas name none\: the library computes it"
rebuild\:"A new one is written, of all pages that the tree does not use"))' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(revert)
_arguments "${_arguments_options[@]}" : \
'--in=[The node that holds it\: a directory, a bundle, a tar]:NODE:_files' \
'--spool=[Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files]:DIR:_files' \
'--force-damaged[Also if the tree of the transaction before is damaged]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The database\: a file, or with --in its path inside a node:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__bolt__subcmd__surgery__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bolt-surgery-help-command-$line[1]:"
        case $line[1] in
            (meta)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(freelist)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(revert)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__bolt__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bolt-help-command-$line[1]:"
        case $line[1] in
            (info)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(pages)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(page)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(keys)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(buckets)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(get)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(stats)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(dump)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(carve)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(salvage)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(compact)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(surgery)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__bolt__subcmd__help__subcmd__surgery_commands" \
"*::: :->surgery" \
&& ret=0

    case $state in
    (surgery)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bolt-help-surgery-command-$line[1]:"
        case $line[1] in
            (meta)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(freelist)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(revert)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(gc)
_arguments "${_arguments_options[@]}" : \
'--jobs=[How many directories are read at the same time (0\: as many as there are cores)]:N:_default' \
'--daemon=[The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one that the node'\''s own traces show]:RELEASE:_default' \
'--at=[The time at which it runs\: \`2026-11-21T03\:36\:00Z\`, or \`+90m\`, \`+24h\`, \`+7d\` after the capture; else the time of the capture]:TIME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--simulate[Simulate (the only thing that this verb does)]' \
'--dirty[As if something had been deleted from each store before\: leftovers are collected, too]' \
'--all[List what is kept, too, and what keeps it]' \
'--usage[Measure what is deleted where no size is recorded\: writable layers, leftover directories]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(why)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--kind=[Only objects of this kind\: blob, snapshot, lease, image, container, sandbox, ingest]:KIND:_default' \
'-n+[Only in this namespace]:NAME:_default' \
'--namespace=[Only in this namespace]:NAME:_default' \
'--chains=[At most so many chains of references for each object]:N:_default' \
'--daemon=[The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one that the node'\''s own traces show]:RELEASE:_default' \
'--at=[The time at which it runs\: \`2026-11-21T03\:36\:00Z\`, or \`+90m\`, \`+24h\`, \`+7d\` after the capture; else the time of the capture]:TIME:_default' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
':object -- Digest, snapshot, lease, image, container, sandbox or ingest\: its name, the beginning of it, or `namespace/name`:_default' \
&& ret=0
;;
(owner)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--inode=[Search the stores for the names of this inode]:N:_default' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
'*::path -- A path inside the node, the number of a snapshot, or a line of /proc/PID/mountinfo or /proc/mounts (its options alone will do):_files' \
&& ret=0
;;
(df)
_arguments "${_arguments_options[@]}" : \
'--jobs=[How many directories are read at the same time (0\: as many as there are cores)]:N:_default' \
'--daemon=[The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one that the node'\''s own traces show]:RELEASE:_default' \
'--at=[The time at which it runs\: \`2026-11-21T03\:36\:00Z\`, or \`+90m\`, \`+24h\`, \`+7d\` after the capture; else the time of the capture]:TIME:_default' \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--fast[Walk no directory\: committed layers as recorded, blobs as listed, nothing of writable layers]' \
'--layers[List snapshots, too]' \
'-h[Print help]' \
'--help[Print help]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(collect)
_arguments "${_arguments_options[@]}" : \
'--root=[containerd'\''s root, inside the evidence]:PATH:_files' \
'--state=[containerd'\''s state, inside the evidence]:PATH:_files' \
'--config=[containerd'\''s config.toml, inside the evidence]:PATH:_files' \
'--spool=[Where to keep what of a tar does not fit in memory (a file without a name)]:DIR:_files' \
'--content=[Which content blobs are packed]::WHICH:((all\:"All of them, layers too"
metadata\:"Those of at most 1 MiB\: manifests, indexes, configs"
none\:"None; they are listed all the same"))' \
'*--add=[Pack this path inside the node, too (may be given more than once)]:PATH:_files' \
'--limit=[Largest file that is packed, in bytes of data]:BYTES:_default' \
'--upperdirs[Pack the files in snapshots, too\: layers as they are unpacked, and what containers wrote]' \
'--redact[Mask secrets\: values of environments, annotations, credentials of registries, private keys. Nothing moves; findings stay the same]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':evidence -- The node\: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that holds var/lib/containerd, containerd'\''s root itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar on standard input:_files' \
&& ret=0
;;
(bundle)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
":: :_coroner__subcmd__bundle_commands" \
"*::: :->bundle" \
&& ret=0

    case $state in
    (bundle)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bundle-command-$line[1]:"
        case $line[1] in
            (verify)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':file -- The bundle, or `-` for standard input:_files' \
&& ret=0
;;
(ls)
_arguments "${_arguments_options[@]}" : \
'--left[Only files whose bytes are not in the bundle]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The bundle, or `-` for standard input:_files' \
'::below -- Only what is at or below this path:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__bundle__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-bundle-help-command-$line[1]:"
        case $line[1] in
            (verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-command-$line[1]:"
        case $line[1] in
            (triage)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__triage_commands" \
"*::: :->triage" \
&& ret=0

    case $state in
    (triage)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-triage-command-$line[1]:"
        case $line[1] in
            (diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(check)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__check_commands" \
"*::: :->check" \
&& ret=0

    case $state in
    (check)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-check-command-$line[1]:"
        case $line[1] in
            (diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(preflight)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(meta)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__meta_commands" \
"*::: :->meta" \
&& ret=0

    case $state in
    (meta)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-meta-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(history)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(content)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__content_commands" \
"*::: :->content" \
&& ret=0

    case $state in
    (content)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-content-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cat)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(graph)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(snapshots)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__snapshots_commands" \
"*::: :->snapshots" \
&& ret=0

    case $state in
    (snapshots)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-snapshots-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(files)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cat)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(orphans)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(extract)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(runtime)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__runtime_commands" \
"*::: :->runtime" \
&& ret=0

    case $state in
    (runtime)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-runtime-command-$line[1]:"
        case $line[1] in
            (ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(stuck)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(fifo)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(shims)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(mounts)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(timeline)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(bolt)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__bolt_commands" \
"*::: :->bolt" \
&& ret=0

    case $state in
    (bolt)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-bolt-command-$line[1]:"
        case $line[1] in
            (info)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(pages)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(page)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(keys)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(buckets)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(get)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(stats)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(dump)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(carve)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(salvage)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(compact)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(surgery)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__bolt__subcmd__surgery_commands" \
"*::: :->surgery" \
&& ret=0

    case $state in
    (surgery)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-bolt-surgery-command-$line[1]:"
        case $line[1] in
            (meta)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(freelist)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(revert)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(gc)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(why)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(owner)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(df)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(collect)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(bundle)
_arguments "${_arguments_options[@]}" : \
":: :_coroner__subcmd__help__subcmd__bundle_commands" \
"*::: :->bundle" \
&& ret=0

    case $state in
    (bundle)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:coroner-help-bundle-command-$line[1]:"
        case $line[1] in
            (verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_coroner_commands] )) ||
_coroner_commands() {
    local commands; commands=(
'triage:Examine a whole containerd node that is not running' \
'check:The same as triage' \
'preflight:What would happen if containerd were started now' \
'explain:What a finding means and what to do' \
'meta:containerd'\''s meta.db, object by object' \
'content:The content store\: blobs, sizes, digests' \
'snapshots:Snapshots\: databases, directories, trees' \
'runtime:What runc, bundles and shims left of containers' \
'timeline:When things happened, over all stores, deleted objects included' \
'bolt:BoltDB files, page by page' \
'gc:What containerd'\''s garbage collector would keep and delete' \
'why:What keeps a blob, snapshot, image or lease, and until when' \
'owner:Which snapshot, image, container and pod a path, inode or mount belongs to' \
'df:Where the space is\: images, layers, namespaces; shared, unique, reclaimable' \
'collect:Pack a node into a bundle, to be examined elsewhere' \
'bundle:What is in a bundle, and whether it is as it was written' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt_commands] )) ||
_coroner__subcmd__bolt_commands() {
    local commands; commands=(
'info:Both metas side by side, and which tree the daemon would use' \
'check:Check every invariant and report all damage' \
'pages:What each page is used for' \
'page:One page, field by field' \
'tree:Buckets and keys' \
'keys:The entries of one bucket' \
'buckets:The buckets in one bucket' \
'get:One value' \
'stats:Pages, bytes and keys of a bucket and of those in it, as \`bbolt stats\` counts them' \
'dump:Every byte of the file, in the order of the file; made for \`diff\` of two dumps' \
'diff:What differs between two databases, or between a database and its transaction before' \
'carve:Deleted records, older versions, what was never finished\: all that the tree does not reach' \
'salvage:Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is' \
'compact:Write a healthy database anew, without its free pages (-o NEW); the file stays as it is' \
'surgery:Small edits in a copy (-o NEW)\: a broken meta, the freelist, back to the transaction before' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner bolt commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__buckets_commands] )) ||
_coroner__subcmd__bolt__subcmd__buckets_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt buckets commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__carve_commands] )) ||
_coroner__subcmd__bolt__subcmd__carve_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt carve commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__check_commands] )) ||
_coroner__subcmd__bolt__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__compact_commands] )) ||
_coroner__subcmd__bolt__subcmd__compact_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt compact commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__diff_commands] )) ||
_coroner__subcmd__bolt__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__dump_commands] )) ||
_coroner__subcmd__bolt__subcmd__dump_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt dump commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__get_commands] )) ||
_coroner__subcmd__bolt__subcmd__get_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt get commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help_commands] )) ||
_coroner__subcmd__bolt__subcmd__help_commands() {
    local commands; commands=(
'info:Both metas side by side, and which tree the daemon would use' \
'check:Check every invariant and report all damage' \
'pages:What each page is used for' \
'page:One page, field by field' \
'tree:Buckets and keys' \
'keys:The entries of one bucket' \
'buckets:The buckets in one bucket' \
'get:One value' \
'stats:Pages, bytes and keys of a bucket and of those in it, as \`bbolt stats\` counts them' \
'dump:Every byte of the file, in the order of the file; made for \`diff\` of two dumps' \
'diff:What differs between two databases, or between a database and its transaction before' \
'carve:Deleted records, older versions, what was never finished\: all that the tree does not reach' \
'salvage:Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is' \
'compact:Write a healthy database anew, without its free pages (-o NEW); the file stays as it is' \
'surgery:Small edits in a copy (-o NEW)\: a broken meta, the freelist, back to the transaction before' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner bolt help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__buckets_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__buckets_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help buckets commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__carve_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__carve_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help carve commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__check_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__compact_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__compact_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help compact commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__diff_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__dump_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__dump_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help dump commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__get_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__get_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help get commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__info_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__info_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help info commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__keys_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__keys_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help keys commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__page_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__page_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help page commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__pages_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__pages_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help pages commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__salvage_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__salvage_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help salvage commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__stats_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__stats_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help stats commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__surgery_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__surgery_commands() {
    local commands; commands=(
'meta:Repair a meta that is not valid, from what its checksum and the pages prove, or as given' \
'freelist:No freelist, or a new one' \
'revert:Make the tree of the transaction before the one in use' \
    )
    _describe -t commands 'coroner bolt help surgery commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__surgery__subcmd__freelist_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__surgery__subcmd__freelist_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help surgery freelist commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__surgery__subcmd__meta_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__surgery__subcmd__meta_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help surgery meta commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__surgery__subcmd__revert_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__surgery__subcmd__revert_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help surgery revert commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__help__subcmd__tree_commands] )) ||
_coroner__subcmd__bolt__subcmd__help__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt help tree commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__info_commands] )) ||
_coroner__subcmd__bolt__subcmd__info_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt info commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__keys_commands] )) ||
_coroner__subcmd__bolt__subcmd__keys_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt keys commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__page_commands] )) ||
_coroner__subcmd__bolt__subcmd__page_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt page commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__pages_commands] )) ||
_coroner__subcmd__bolt__subcmd__pages_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt pages commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__salvage_commands] )) ||
_coroner__subcmd__bolt__subcmd__salvage_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt salvage commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__stats_commands] )) ||
_coroner__subcmd__bolt__subcmd__stats_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt stats commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery_commands() {
    local commands; commands=(
'meta:Repair a meta that is not valid, from what its checksum and the pages prove, or as given' \
'freelist:No freelist, or a new one' \
'revert:Make the tree of the transaction before the one in use' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner bolt surgery commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__freelist_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__freelist_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery freelist commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__help_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__help_commands() {
    local commands; commands=(
'meta:Repair a meta that is not valid, from what its checksum and the pages prove, or as given' \
'freelist:No freelist, or a new one' \
'revert:Make the tree of the transaction before the one in use' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner bolt surgery help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__freelist_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__freelist_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery help freelist commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__meta_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__meta_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery help meta commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__revert_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__help__subcmd__revert_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery help revert commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__meta_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__meta_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery meta commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__surgery__subcmd__revert_commands] )) ||
_coroner__subcmd__bolt__subcmd__surgery__subcmd__revert_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt surgery revert commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bolt__subcmd__tree_commands] )) ||
_coroner__subcmd__bolt__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bolt tree commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle_commands] )) ||
_coroner__subcmd__bundle_commands() {
    local commands; commands=(
'verify:Compare all of a bundle with what it says of itself\: every hash, nothing missing, nothing added' \
'ls:List what is in a bundle, and what is known of what is not' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner bundle commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle__subcmd__help_commands] )) ||
_coroner__subcmd__bundle__subcmd__help_commands() {
    local commands; commands=(
'verify:Compare all of a bundle with what it says of itself\: every hash, nothing missing, nothing added' \
'ls:List what is in a bundle, and what is known of what is not' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner bundle help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__bundle__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bundle help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle__subcmd__help__subcmd__ls_commands] )) ||
_coroner__subcmd__bundle__subcmd__help__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bundle help ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle__subcmd__help__subcmd__verify_commands] )) ||
_coroner__subcmd__bundle__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bundle help verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle__subcmd__ls_commands] )) ||
_coroner__subcmd__bundle__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bundle ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__bundle__subcmd__verify_commands] )) ||
_coroner__subcmd__bundle__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner bundle verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__check_commands] )) ||
_coroner__subcmd__check_commands() {
    local commands; commands=(
'diff:What is new, gone and changed between two triages' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__check__subcmd__diff_commands] )) ||
_coroner__subcmd__check__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner check diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__check__subcmd__help_commands] )) ||
_coroner__subcmd__check__subcmd__help_commands() {
    local commands; commands=(
'diff:What is new, gone and changed between two triages' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner check help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__check__subcmd__help__subcmd__diff_commands] )) ||
_coroner__subcmd__check__subcmd__help__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner check help diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__check__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__check__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner check help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__collect_commands] )) ||
_coroner__subcmd__collect_commands() {
    local commands; commands=()
    _describe -t commands 'coroner collect commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content_commands] )) ||
_coroner__subcmd__content_commands() {
    local commands; commands=(
'ls:List blobs and unfinished writes' \
'cat:Write a blob'\''s bytes, or those of a file in an image'\''s layers' \
'export:Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt' \
'graph:Show what an image is made of, and what of it is there' \
'verify:Re-hash every blob and compare it with its name; layers with their diffIDs' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner content commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__cat_commands] )) ||
_coroner__subcmd__content__subcmd__cat_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content cat commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__export_commands] )) ||
_coroner__subcmd__content__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content export commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__graph_commands] )) ||
_coroner__subcmd__content__subcmd__graph_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content graph commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help_commands] )) ||
_coroner__subcmd__content__subcmd__help_commands() {
    local commands; commands=(
'ls:List blobs and unfinished writes' \
'cat:Write a blob'\''s bytes, or those of a file in an image'\''s layers' \
'export:Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt' \
'graph:Show what an image is made of, and what of it is there' \
'verify:Re-hash every blob and compare it with its name; layers with their diffIDs' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner content help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help__subcmd__cat_commands] )) ||
_coroner__subcmd__content__subcmd__help__subcmd__cat_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content help cat commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help__subcmd__export_commands] )) ||
_coroner__subcmd__content__subcmd__help__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content help export commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help__subcmd__graph_commands] )) ||
_coroner__subcmd__content__subcmd__help__subcmd__graph_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content help graph commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__content__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help__subcmd__ls_commands] )) ||
_coroner__subcmd__content__subcmd__help__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content help ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__help__subcmd__verify_commands] )) ||
_coroner__subcmd__content__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content help verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__ls_commands] )) ||
_coroner__subcmd__content__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__content__subcmd__verify_commands] )) ||
_coroner__subcmd__content__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner content verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__df_commands] )) ||
_coroner__subcmd__df_commands() {
    local commands; commands=()
    _describe -t commands 'coroner df commands' commands "$@"
}
(( $+functions[_coroner__subcmd__explain_commands] )) ||
_coroner__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'coroner explain commands' commands "$@"
}
(( $+functions[_coroner__subcmd__gc_commands] )) ||
_coroner__subcmd__gc_commands() {
    local commands; commands=()
    _describe -t commands 'coroner gc commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help_commands] )) ||
_coroner__subcmd__help_commands() {
    local commands; commands=(
'triage:Examine a whole containerd node that is not running' \
'check:The same as triage' \
'preflight:What would happen if containerd were started now' \
'explain:What a finding means and what to do' \
'meta:containerd'\''s meta.db, object by object' \
'content:The content store\: blobs, sizes, digests' \
'snapshots:Snapshots\: databases, directories, trees' \
'runtime:What runc, bundles and shims left of containers' \
'timeline:When things happened, over all stores, deleted objects included' \
'bolt:BoltDB files, page by page' \
'gc:What containerd'\''s garbage collector would keep and delete' \
'why:What keeps a blob, snapshot, image or lease, and until when' \
'owner:Which snapshot, image, container and pod a path, inode or mount belongs to' \
'df:Where the space is\: images, layers, namespaces; shared, unique, reclaimable' \
'collect:Pack a node into a bundle, to be examined elsewhere' \
'bundle:What is in a bundle, and whether it is as it was written' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt_commands] )) ||
_coroner__subcmd__help__subcmd__bolt_commands() {
    local commands; commands=(
'info:Both metas side by side, and which tree the daemon would use' \
'check:Check every invariant and report all damage' \
'pages:What each page is used for' \
'page:One page, field by field' \
'tree:Buckets and keys' \
'keys:The entries of one bucket' \
'buckets:The buckets in one bucket' \
'get:One value' \
'stats:Pages, bytes and keys of a bucket and of those in it, as \`bbolt stats\` counts them' \
'dump:Every byte of the file, in the order of the file; made for \`diff\` of two dumps' \
'diff:What differs between two databases, or between a database and its transaction before' \
'carve:Deleted records, older versions, what was never finished\: all that the tree does not reach' \
'salvage:Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is' \
'compact:Write a healthy database anew, without its free pages (-o NEW); the file stays as it is' \
'surgery:Small edits in a copy (-o NEW)\: a broken meta, the freelist, back to the transaction before' \
    )
    _describe -t commands 'coroner help bolt commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__buckets_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__buckets_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt buckets commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__carve_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__carve_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt carve commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__check_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__compact_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__compact_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt compact commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__diff_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__dump_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__dump_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt dump commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__get_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__get_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt get commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__info_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__info_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt info commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__keys_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__keys_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt keys commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__page_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__page_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt page commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__pages_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__pages_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt pages commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__salvage_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__salvage_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt salvage commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__stats_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__stats_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt stats commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__surgery_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__surgery_commands() {
    local commands; commands=(
'meta:Repair a meta that is not valid, from what its checksum and the pages prove, or as given' \
'freelist:No freelist, or a new one' \
'revert:Make the tree of the transaction before the one in use' \
    )
    _describe -t commands 'coroner help bolt surgery commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__surgery__subcmd__freelist_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__surgery__subcmd__freelist_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt surgery freelist commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__surgery__subcmd__meta_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__surgery__subcmd__meta_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt surgery meta commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__surgery__subcmd__revert_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__surgery__subcmd__revert_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt surgery revert commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bolt__subcmd__tree_commands] )) ||
_coroner__subcmd__help__subcmd__bolt__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bolt tree commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bundle_commands] )) ||
_coroner__subcmd__help__subcmd__bundle_commands() {
    local commands; commands=(
'verify:Compare all of a bundle with what it says of itself\: every hash, nothing missing, nothing added' \
'ls:List what is in a bundle, and what is known of what is not' \
    )
    _describe -t commands 'coroner help bundle commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bundle__subcmd__ls_commands] )) ||
_coroner__subcmd__help__subcmd__bundle__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bundle ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__bundle__subcmd__verify_commands] )) ||
_coroner__subcmd__help__subcmd__bundle__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help bundle verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__check_commands] )) ||
_coroner__subcmd__help__subcmd__check_commands() {
    local commands; commands=(
'diff:What is new, gone and changed between two triages' \
    )
    _describe -t commands 'coroner help check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__check__subcmd__diff_commands] )) ||
_coroner__subcmd__help__subcmd__check__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help check diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__collect_commands] )) ||
_coroner__subcmd__help__subcmd__collect_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help collect commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__content_commands] )) ||
_coroner__subcmd__help__subcmd__content_commands() {
    local commands; commands=(
'ls:List blobs and unfinished writes' \
'cat:Write a blob'\''s bytes, or those of a file in an image'\''s layers' \
'export:Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt' \
'graph:Show what an image is made of, and what of it is there' \
'verify:Re-hash every blob and compare it with its name; layers with their diffIDs' \
    )
    _describe -t commands 'coroner help content commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__content__subcmd__cat_commands] )) ||
_coroner__subcmd__help__subcmd__content__subcmd__cat_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help content cat commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__content__subcmd__export_commands] )) ||
_coroner__subcmd__help__subcmd__content__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help content export commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__content__subcmd__graph_commands] )) ||
_coroner__subcmd__help__subcmd__content__subcmd__graph_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help content graph commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__content__subcmd__ls_commands] )) ||
_coroner__subcmd__help__subcmd__content__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help content ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__content__subcmd__verify_commands] )) ||
_coroner__subcmd__help__subcmd__content__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help content verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__df_commands] )) ||
_coroner__subcmd__help__subcmd__df_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help df commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__explain_commands] )) ||
_coroner__subcmd__help__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help explain commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__gc_commands] )) ||
_coroner__subcmd__help__subcmd__gc_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help gc commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__meta_commands] )) ||
_coroner__subcmd__help__subcmd__meta_commands() {
    local commands; commands=(
'ls:List objects of one kind' \
'history:One object from its oldest version to its newest\: in both trees, and on pages that neither uses any more' \
'show:Show everything that meta.db says of one object' \
    )
    _describe -t commands 'coroner help meta commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__meta__subcmd__history_commands] )) ||
_coroner__subcmd__help__subcmd__meta__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help meta history commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__meta__subcmd__ls_commands] )) ||
_coroner__subcmd__help__subcmd__meta__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help meta ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__meta__subcmd__show_commands] )) ||
_coroner__subcmd__help__subcmd__meta__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help meta show commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__owner_commands] )) ||
_coroner__subcmd__help__subcmd__owner_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help owner commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__preflight_commands] )) ||
_coroner__subcmd__help__subcmd__preflight_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help preflight commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime_commands] )) ||
_coroner__subcmd__help__subcmd__runtime_commands() {
    local commands; commands=(
'ls:List every container that runc, crun or a bundle knows' \
'stuck:Say which containers hang, why, and what is safe to do' \
'show:Show everything that is known of one container, and what is wrong with it' \
'fifo:Show a container'\''s exec.fifo and what its times tell; it is never opened' \
'shims:List shims\: their processes, their sockets, and the tasks that they serve' \
'mounts:List mounts, network namespaces and cgroups of containers, and what is left over of them' \
'explain:Say which known state a log line of runc, a shim, containerd or kubelet belongs to' \
    )
    _describe -t commands 'coroner help runtime commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__explain_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime explain commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__fifo_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__fifo_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime fifo commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__ls_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__mounts_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__mounts_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime mounts commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__shims_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__shims_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime shims commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__show_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime show commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__runtime__subcmd__stuck_commands] )) ||
_coroner__subcmd__help__subcmd__runtime__subcmd__stuck_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help runtime stuck commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots_commands() {
    local commands; commands=(
'ls:List snapshots, and directories that are none' \
'tree:Show which snapshot stands on which' \
'check:Compare metadata.db, meta.db and the directories' \
'verify:Compare unpacked layers with the blobs that they were unpacked from, file by file' \
'files:List the files that a container, an image or a snapshot shows, without mounting anything' \
'cat:Write the bytes of one file of it to standard output' \
'diff:Say what a container changed of its image, or in what two trees differ' \
'orphans:List what nothing owns any more, with its size, and how that is known' \
'extract:Write the files of a container, an image or a snapshot into a new directory (-o)' \
'export:Write the tree of a container, an image or a snapshot as a tar, or what it changed' \
    )
    _describe -t commands 'coroner help snapshots commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__cat_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__cat_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots cat commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__check_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__diff_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__export_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots export commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__extract_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__extract_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots extract commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__files_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__files_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots files commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__ls_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__orphans_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__orphans_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots orphans commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__tree_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots tree commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__snapshots__subcmd__verify_commands] )) ||
_coroner__subcmd__help__subcmd__snapshots__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help snapshots verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__timeline_commands] )) ||
_coroner__subcmd__help__subcmd__timeline_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help timeline commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__triage_commands] )) ||
_coroner__subcmd__help__subcmd__triage_commands() {
    local commands; commands=(
'diff:What is new, gone and changed between two triages' \
    )
    _describe -t commands 'coroner help triage commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__triage__subcmd__diff_commands] )) ||
_coroner__subcmd__help__subcmd__triage__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help triage diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__help__subcmd__why_commands] )) ||
_coroner__subcmd__help__subcmd__why_commands() {
    local commands; commands=()
    _describe -t commands 'coroner help why commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta_commands] )) ||
_coroner__subcmd__meta_commands() {
    local commands; commands=(
'ls:List objects of one kind' \
'history:One object from its oldest version to its newest\: in both trees, and on pages that neither uses any more' \
'show:Show everything that meta.db says of one object' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner meta commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__help_commands] )) ||
_coroner__subcmd__meta__subcmd__help_commands() {
    local commands; commands=(
'ls:List objects of one kind' \
'history:One object from its oldest version to its newest\: in both trees, and on pages that neither uses any more' \
'show:Show everything that meta.db says of one object' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner meta help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__meta__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__help__subcmd__history_commands] )) ||
_coroner__subcmd__meta__subcmd__help__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta help history commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__help__subcmd__ls_commands] )) ||
_coroner__subcmd__meta__subcmd__help__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta help ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__help__subcmd__show_commands] )) ||
_coroner__subcmd__meta__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta help show commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__history_commands] )) ||
_coroner__subcmd__meta__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta history commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__ls_commands] )) ||
_coroner__subcmd__meta__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__meta__subcmd__show_commands] )) ||
_coroner__subcmd__meta__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'coroner meta show commands' commands "$@"
}
(( $+functions[_coroner__subcmd__owner_commands] )) ||
_coroner__subcmd__owner_commands() {
    local commands; commands=()
    _describe -t commands 'coroner owner commands' commands "$@"
}
(( $+functions[_coroner__subcmd__preflight_commands] )) ||
_coroner__subcmd__preflight_commands() {
    local commands; commands=()
    _describe -t commands 'coroner preflight commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime_commands] )) ||
_coroner__subcmd__runtime_commands() {
    local commands; commands=(
'ls:List every container that runc, crun or a bundle knows' \
'stuck:Say which containers hang, why, and what is safe to do' \
'show:Show everything that is known of one container, and what is wrong with it' \
'fifo:Show a container'\''s exec.fifo and what its times tell; it is never opened' \
'shims:List shims\: their processes, their sockets, and the tasks that they serve' \
'mounts:List mounts, network namespaces and cgroups of containers, and what is left over of them' \
'explain:Say which known state a log line of runc, a shim, containerd or kubelet belongs to' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner runtime commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__explain_commands] )) ||
_coroner__subcmd__runtime__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime explain commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__fifo_commands] )) ||
_coroner__subcmd__runtime__subcmd__fifo_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime fifo commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help_commands] )) ||
_coroner__subcmd__runtime__subcmd__help_commands() {
    local commands; commands=(
'ls:List every container that runc, crun or a bundle knows' \
'stuck:Say which containers hang, why, and what is safe to do' \
'show:Show everything that is known of one container, and what is wrong with it' \
'fifo:Show a container'\''s exec.fifo and what its times tell; it is never opened' \
'shims:List shims\: their processes, their sockets, and the tasks that they serve' \
'mounts:List mounts, network namespaces and cgroups of containers, and what is left over of them' \
'explain:Say which known state a log line of runc, a shim, containerd or kubelet belongs to' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner runtime help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__explain_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help explain commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__fifo_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__fifo_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help fifo commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__ls_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__mounts_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__mounts_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help mounts commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__shims_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__shims_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help shims commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__show_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help show commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__help__subcmd__stuck_commands] )) ||
_coroner__subcmd__runtime__subcmd__help__subcmd__stuck_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime help stuck commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__ls_commands] )) ||
_coroner__subcmd__runtime__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__mounts_commands] )) ||
_coroner__subcmd__runtime__subcmd__mounts_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime mounts commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__shims_commands] )) ||
_coroner__subcmd__runtime__subcmd__shims_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime shims commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__show_commands] )) ||
_coroner__subcmd__runtime__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime show commands' commands "$@"
}
(( $+functions[_coroner__subcmd__runtime__subcmd__stuck_commands] )) ||
_coroner__subcmd__runtime__subcmd__stuck_commands() {
    local commands; commands=()
    _describe -t commands 'coroner runtime stuck commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots_commands] )) ||
_coroner__subcmd__snapshots_commands() {
    local commands; commands=(
'ls:List snapshots, and directories that are none' \
'tree:Show which snapshot stands on which' \
'check:Compare metadata.db, meta.db and the directories' \
'verify:Compare unpacked layers with the blobs that they were unpacked from, file by file' \
'files:List the files that a container, an image or a snapshot shows, without mounting anything' \
'cat:Write the bytes of one file of it to standard output' \
'diff:Say what a container changed of its image, or in what two trees differ' \
'orphans:List what nothing owns any more, with its size, and how that is known' \
'extract:Write the files of a container, an image or a snapshot into a new directory (-o)' \
'export:Write the tree of a container, an image or a snapshot as a tar, or what it changed' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner snapshots commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__cat_commands] )) ||
_coroner__subcmd__snapshots__subcmd__cat_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots cat commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__check_commands] )) ||
_coroner__subcmd__snapshots__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__diff_commands] )) ||
_coroner__subcmd__snapshots__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__export_commands] )) ||
_coroner__subcmd__snapshots__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots export commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__extract_commands] )) ||
_coroner__subcmd__snapshots__subcmd__extract_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots extract commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__files_commands] )) ||
_coroner__subcmd__snapshots__subcmd__files_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots files commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help_commands() {
    local commands; commands=(
'ls:List snapshots, and directories that are none' \
'tree:Show which snapshot stands on which' \
'check:Compare metadata.db, meta.db and the directories' \
'verify:Compare unpacked layers with the blobs that they were unpacked from, file by file' \
'files:List the files that a container, an image or a snapshot shows, without mounting anything' \
'cat:Write the bytes of one file of it to standard output' \
'diff:Say what a container changed of its image, or in what two trees differ' \
'orphans:List what nothing owns any more, with its size, and how that is known' \
'extract:Write the files of a container, an image or a snapshot into a new directory (-o)' \
'export:Write the tree of a container, an image or a snapshot as a tar, or what it changed' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner snapshots help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__cat_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__cat_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help cat commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__check_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help check commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__diff_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__export_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help export commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__extract_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__extract_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help extract commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__files_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__files_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help files commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__ls_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__orphans_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__orphans_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help orphans commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__tree_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help tree commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__help__subcmd__verify_commands] )) ||
_coroner__subcmd__snapshots__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots help verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__ls_commands] )) ||
_coroner__subcmd__snapshots__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots ls commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__orphans_commands] )) ||
_coroner__subcmd__snapshots__subcmd__orphans_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots orphans commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__tree_commands] )) ||
_coroner__subcmd__snapshots__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots tree commands' commands "$@"
}
(( $+functions[_coroner__subcmd__snapshots__subcmd__verify_commands] )) ||
_coroner__subcmd__snapshots__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'coroner snapshots verify commands' commands "$@"
}
(( $+functions[_coroner__subcmd__timeline_commands] )) ||
_coroner__subcmd__timeline_commands() {
    local commands; commands=()
    _describe -t commands 'coroner timeline commands' commands "$@"
}
(( $+functions[_coroner__subcmd__triage_commands] )) ||
_coroner__subcmd__triage_commands() {
    local commands; commands=(
'diff:What is new, gone and changed between two triages' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner triage commands' commands "$@"
}
(( $+functions[_coroner__subcmd__triage__subcmd__diff_commands] )) ||
_coroner__subcmd__triage__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner triage diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__triage__subcmd__help_commands] )) ||
_coroner__subcmd__triage__subcmd__help_commands() {
    local commands; commands=(
'diff:What is new, gone and changed between two triages' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'coroner triage help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__triage__subcmd__help__subcmd__diff_commands] )) ||
_coroner__subcmd__triage__subcmd__help__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'coroner triage help diff commands' commands "$@"
}
(( $+functions[_coroner__subcmd__triage__subcmd__help__subcmd__help_commands] )) ||
_coroner__subcmd__triage__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'coroner triage help help commands' commands "$@"
}
(( $+functions[_coroner__subcmd__why_commands] )) ||
_coroner__subcmd__why_commands() {
    local commands; commands=()
    _describe -t commands 'coroner why commands' commands "$@"
}

if [ "$funcstack[1]" = "_coroner" ]; then
    _coroner "$@"
else
    compdef _coroner coroner
fi
