# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_coroner_global_optspecs
    string join \n h/help V/version
end

function __fish_coroner_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_coroner_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_coroner_using_subcommand
    set -l cmd (__fish_coroner_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c coroner -n "__fish_coroner_needs_command" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_needs_command" -s V -l version -d 'Print version'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "triage" -d 'Examine a whole containerd node that is not running'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "check" -d 'The same as triage'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "preflight" -d 'What would happen if containerd were started now'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "explain" -d 'What a finding means and what to do'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "meta" -d 'containerd\'s meta.db, object by object'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "content" -d 'The content store: blobs, sizes, digests'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "snapshots" -d 'Snapshots: databases, directories, trees'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "runtime" -d 'What runc, bundles and shims left of containers'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "timeline" -d 'When things happened, over all stores, deleted objects included'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "bolt" -d 'BoltDB files, page by page'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "gc" -d 'What containerd\'s garbage collector would keep and delete'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "why" -d 'What keeps a blob, snapshot, image or lease, and until when'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "owner" -d 'Which snapshot, image, container and pod a path, inode or mount belongs to'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "df" -d 'Where the space is: images, layers, namespaces; shared, unique, reclaimable'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "collect" -d 'Pack a node into a bundle, to be examined elsewhere'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "bundle" -d 'What is in a bundle, and whether it is as it was written'
complete -c coroner -n "__fish_coroner_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l baseline -d 'Show only what is new or worse since this triage, which `--format json` wrote' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l ignore -d 'Leave findings of these codes out, such as `blob/unknown` or `bolt/*`; the verdict still counts them' -r
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l fail-on -d 'From which severity on a finding counts for the exit code' -r -f -a "note\t'Every finding'
odd\t'Whatever is above a note'
damage\t'Damage, and what is fatal'
fatal\t'Only what is fatal'
never\t'No finding'"
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l sample -d 'Examine the broken node that comes with coroner'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l hash -d 'Re-hash every blob of the content store'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l usage -d 'Measure the directory of every committed layer and compare it with what it was'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l layers -d 'Compare every committed layer, file by file, with the blob that it was unpacked from, and read every layer\'s blob to its end'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l summary -d 'Only the first screen: the verdict, what a start would do, and which kinds of findings'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -l notes -d 'Show notes in full, too'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -a "diff" -d 'What is new, gone and changed between two triages'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and not __fish_seen_subcommand_from diff help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and __fish_seen_subcommand_from diff" -l fail-on -d 'From which severity on what is new or worse counts for the exit code' -r -f -a "note\t'Every finding'
odd\t'Whatever is above a note'
damage\t'Damage, and what is fatal'
fatal\t'Only what is fatal'
never\t'No finding'"
complete -c coroner -n "__fish_coroner_using_subcommand triage; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and __fish_seen_subcommand_from help" -f -a "diff" -d 'What is new, gone and changed between two triages'
complete -c coroner -n "__fish_coroner_using_subcommand triage; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l baseline -d 'Show only what is new or worse since this triage, which `--format json` wrote' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l ignore -d 'Leave findings of these codes out, such as `blob/unknown` or `bolt/*`; the verdict still counts them' -r
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l fail-on -d 'From which severity on a finding counts for the exit code' -r -f -a "note\t'Every finding'
odd\t'Whatever is above a note'
damage\t'Damage, and what is fatal'
fatal\t'Only what is fatal'
never\t'No finding'"
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l sample -d 'Examine the broken node that comes with coroner'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l hash -d 'Re-hash every blob of the content store'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l usage -d 'Measure the directory of every committed layer and compare it with what it was'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l layers -d 'Compare every committed layer, file by file, with the blob that it was unpacked from, and read every layer\'s blob to its end'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l summary -d 'Only the first screen: the verdict, what a start would do, and which kinds of findings'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -l notes -d 'Show notes in full, too'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -a "diff" -d 'What is new, gone and changed between two triages'
complete -c coroner -n "__fish_coroner_using_subcommand check; and not __fish_seen_subcommand_from diff help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand check; and __fish_seen_subcommand_from diff" -l fail-on -d 'From which severity on what is new or worse counts for the exit code' -r -f -a "note\t'Every finding'
odd\t'Whatever is above a note'
damage\t'Damage, and what is fatal'
fatal\t'Only what is fatal'
never\t'No finding'"
complete -c coroner -n "__fish_coroner_using_subcommand check; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "diff" -d 'What is new, gone and changed between two triages'
complete -c coroner -n "__fish_coroner_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l daemon -d 'The release that would be started (1.6, 1.7.24, 2.1, ...); else the one that the node shows' -r
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l at -d 'When it would be started (RFC 3339, or `now`): leases expire; else when the evidence was taken' -r
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -l all -d 'Name everything that would be removed, not only the first'
complete -c coroner -n "__fish_coroner_using_subcommand preflight" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand explain" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and not __fish_seen_subcommand_from ls history show help" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and not __fish_seen_subcommand_from ls history show help" -f -a "ls" -d 'List objects of one kind'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and not __fish_seen_subcommand_from ls history show help" -f -a "history" -d 'One object from its oldest version to its newest: in both trees, and on pages that neither uses any more'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and not __fish_seen_subcommand_from ls history show help" -f -a "show" -d 'Show everything that meta.db says of one object'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and not __fish_seen_subcommand_from ls history show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from ls" -s n -l namespace -d 'Only this namespace' -r
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from ls" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from ls" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from ls" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from ls" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from history" -s n -l namespace -d 'Only in this namespace' -r
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from history" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from history" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from history" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from history" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from show" -s n -l namespace -d 'Only in this namespace' -r
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from show" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from show" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from show" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from show" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List objects of one kind'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from help" -f -a "history" -d 'One object from its oldest version to its newest: in both trees, and on pages that neither uses any more'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show everything that meta.db says of one object'
complete -c coroner -n "__fish_coroner_using_subcommand meta; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -f -a "ls" -d 'List blobs and unfinished writes'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -f -a "cat" -d 'Write a blob\'s bytes, or those of a file in an image\'s layers'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -f -a "export" -d 'Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -f -a "graph" -d 'Show what an image is made of, and what of it is there'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -f -a "verify" -d 'Re-hash every blob and compare it with its name; layers with their diffIDs'
complete -c coroner -n "__fish_coroner_using_subcommand content; and not __fish_seen_subcommand_from ls cat export graph verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from ls" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from ls" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from ls" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from ls" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l platform -d 'Which platform of an image with several: `linux/arm64`' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l inflate -d 'Inflate a layer: its tar'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -l pretty -d 'Indent a manifest, index or configuration'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from cat" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l layout -d 'Write an OCI layout into this new directory, instead of an archive to `-o`' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l archive -d 'What kind of archive' -r -f -a "oci\t'An OCI layout as a tar: `ctr images import`, `skopeo copy oci-archive:`, `docker load`'
docker\t'What `docker save` wrote before release 25: layers inflated, one platform'"
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l platform -d 'Only this platform: `linux/arm64`, `arm64`, `linux/arm/v7`' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l manifest -d 'Write what was written, rebuilt and left out to this new file, as JSON' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -l only-blobs -d 'Rebuild nothing: what has not all of its blobs is left out'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -l dot -d 'As a graph for `dot` of Graphviz'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -l hash -d 'Hash the bytes of every blob of it, too'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from graph" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -s j -l jobs -d 'How many blobs are read at the same time. If not given: as many as there are cores, and one on a rotational disk' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l max-inflate -d 'How much of one layer is inflated at most: `16G`. If not given: 4 GiB, or 200 bytes for each packed one where that is more, at most 64 GiB' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l sample -d 'Read only so many of the blobs: `5%`' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l seed -d 'Which blobs a sample picks: another number, other blobs' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l time-limit -d 'End after this time, with what was read until then: `90s`, `15m`, `2h`' -r
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l resume -d 'Keep what was verified in this file, outside the evidence, and do not read it again if the file is there' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -l layers -d 'Inflate layers, too: their diffIDs, their tars'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List blobs and unfinished writes'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from help" -f -a "cat" -d 'Write a blob\'s bytes, or those of a file in an image\'s layers'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from help" -f -a "graph" -d 'Show what an image is made of, and what of it is there'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Re-hash every blob and compare it with its name; layers with their diffIDs'
complete -c coroner -n "__fish_coroner_using_subcommand content; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "ls" -d 'List snapshots, and directories that are none'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "tree" -d 'Show which snapshot stands on which'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "check" -d 'Compare metadata.db, meta.db and the directories'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "verify" -d 'Compare unpacked layers with the blobs that they were unpacked from, file by file'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "files" -d 'List the files that a container, an image or a snapshot shows, without mounting anything'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "cat" -d 'Write the bytes of one file of it to standard output'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "diff" -d 'Say what a container changed of its image, or in what two trees differ'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "orphans" -d 'List what nothing owns any more, with its size, and how that is known'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "extract" -d 'Write the files of a container, an image or a snapshot into a new directory (-o)'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "export" -d 'Write the tree of a container, an image or a snapshot as a tar, or what it changed'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and not __fish_seen_subcommand_from ls tree check verify files cat diff orphans extract export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from ls" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from ls" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from ls" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from ls" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from tree" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from tree" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from tree" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from tree" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from tree" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from check" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from check" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from check" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from check" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from check" -l usage -d 'Measure the directory of every committed layer and compare it with what it was'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -l snapshotter -d 'The snapshotter, where several have it' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -l jobs -d 'How many layers are read at the same time; without it, as many as there are cores, one on a rotational disk' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l snapshotter -d 'The snapshotter, where several have it' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l userxattr -d 'Read the marks of a mount with `userxattr` (rootless): `user.overlay.*`'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l xattrs -d 'Give extended attributes as the mount shows them (with `--format json`)'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -l sha256 -d 'Hash every file'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from files" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -l snapshotter -d 'The snapshotter, where several have it' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -l userxattr -d 'Read the marks of a mount with `userxattr` (rootless): `user.overlay.*`'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from cat" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l snapshotter -d 'The snapshotter, where several have it' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l with -d 'Compare with this container, image or snapshot instead of with what it stands on' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l userxattr -d 'Read the marks of a mount with `userxattr` (rootless): `user.overlay.*`'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -l all -d 'Show files that were copied up and are what they were, too'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from orphans" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from orphans" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from orphans" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from orphans" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from orphans" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l snapshotter -d 'The snapshotter, where several have it' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l userxattr -d 'Read the marks of a mount with `userxattr` (rootless): `user.overlay.*`'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -l live -d 'Make devices, FIFOs and links that lead out, too, and give files their owners, setuid and attributes: as root, for a tree that is to be run'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from extract" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l snapshotter -d 'The snapshotter, where several have it' -r
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l manifest -d 'Write what became of each file to this new file, one JSON document a line' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l userxattr -d 'Read the marks of a mount with `userxattr` (rootless): `user.overlay.*`'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -l layer -d 'Only what the topmost layer changed, as a layer of an OCI image: deleted names as `.wh.…`'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List snapshots, and directories that are none'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "tree" -d 'Show which snapshot stands on which'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "check" -d 'Compare metadata.db, meta.db and the directories'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Compare unpacked layers with the blobs that they were unpacked from, file by file'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "files" -d 'List the files that a container, an image or a snapshot shows, without mounting anything'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "cat" -d 'Write the bytes of one file of it to standard output'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Say what a container changed of its image, or in what two trees differ'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "orphans" -d 'List what nothing owns any more, with its size, and how that is known'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "extract" -d 'Write the files of a container, an image or a snapshot into a new directory (-o)'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the tree of a container, an image or a snapshot as a tar, or what it changed'
complete -c coroner -n "__fish_coroner_using_subcommand snapshots; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "ls" -d 'List every container that runc, crun or a bundle knows'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "stuck" -d 'Say which containers hang, why, and what is safe to do'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "show" -d 'Show everything that is known of one container, and what is wrong with it'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "fifo" -d 'Show a container\'s exec.fifo and what its times tell; it is never opened'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "shims" -d 'List shims: their processes, their sockets, and the tasks that they serve'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "mounts" -d 'List mounts, network namespaces and cgroups of containers, and what is left over of them'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "explain" -d 'Say which known state a log line of runc, a shim, containerd or kubelet belongs to'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and not __fish_seen_subcommand_from ls stuck show fifo shims mounts explain help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -s n -l namespace -d 'Only this namespace' -r
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -s a -l all -d 'Containers without a task, too: those of meta.db and of the CRI plugin'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -s n -l namespace -d 'Only this namespace' -r
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -s a -l all -d 'Healthy containers, too'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from stuck" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from show" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from show" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from show" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from show" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from fifo" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from fifo" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from fifo" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from fifo" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from fifo" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from shims" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from shims" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from shims" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from shims" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from shims" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from mounts" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from mounts" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from mounts" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from mounts" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from mounts" -l left -d 'Only what is left over or broken'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from mounts" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List every container that runc, crun or a bundle knows'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "stuck" -d 'Say which containers hang, why, and what is safe to do'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show everything that is known of one container, and what is wrong with it'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "fifo" -d 'Show a container\'s exec.fifo and what its times tell; it is never opened'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "shims" -d 'List shims: their processes, their sockets, and the tasks that they serve'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "mounts" -d 'List mounts, network namespaces and cgroups of containers, and what is left over of them'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Say which known state a log line of runc, a shim, containerd or kubelet belongs to'
complete -c coroner -n "__fish_coroner_using_subcommand runtime; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l from -d 'Nothing before this: 2026-11-21, 2026-11-21T08:30 (UTC), or with seconds and a zone' -r
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l to -d 'Nothing at this time or later' -r
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l only -d 'Only what is of this: container=ID (or how it begins), namespace=NAME, image=NAME, kind=KIND, store=STORE, path=PATH (in the container); several of one key add' -r
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l output-format -d 'Write for another program, instead of --format' -r -f -a "jsonl\t'One JSON object a line, with the fields of Timesketch and Plaso, in order'
bodyfile\t'The body file of The Sleuth Kit, for mactime: not in order, mactime sorts it'"
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l layers -d 'Walk the files of committed layers, too, not only those of containers'
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l no-files -d 'Do not walk the files of containers'
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -l no-carve -d 'Do not look for what was deleted from the databases'
complete -c coroner -n "__fish_coroner_using_subcommand timeline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "info" -d 'Both metas side by side, and which tree the daemon would use'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "check" -d 'Check every invariant and report all damage'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "pages" -d 'What each page is used for'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "page" -d 'One page, field by field'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "tree" -d 'Buckets and keys'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "keys" -d 'The entries of one bucket'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "buckets" -d 'The buckets in one bucket'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "get" -d 'One value'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "stats" -d 'Pages, bytes and keys of a bucket and of those in it, as `bbolt stats` counts them'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "dump" -d 'Every byte of the file, in the order of the file; made for `diff` of two dumps'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "diff" -d 'What differs between two databases, or between a database and its transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "carve" -d 'Deleted records, older versions, what was never finished: all that the tree does not reach'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "salvage" -d 'Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "compact" -d 'Write a healthy database anew, without its free pages (-o NEW); the file stays as it is'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "surgery" -d 'Small edits in a copy (-o NEW): a broken meta, the freelist, back to the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and not __fish_seen_subcommand_from info check pages page tree keys buckets get stats dump diff carve salvage compact surgery help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from info" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from check" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from check" -l threads -d 'Threads that read' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from check" -l limit -d 'How many findings of one code are shown' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from pages" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from pages" -l state -d 'Only pages in this state' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from pages" -l svg -d 'Draw the picture into this file, which must not exist' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from pages" -l map -d 'A picture of the file instead of the list: a letter a page, or for some pages together'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from pages" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from page" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from page" -l page-size -d 'Bytes of a page, if not what the metas say' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from page" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from tree" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from tree" -s L -l level -d 'No deeper than this' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from tree" -s d -l directories -d 'Only buckets'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from tree" -l previous -d 'The tree of the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from tree" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from keys" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from keys" -l previous -d 'In the tree of the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from keys" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from buckets" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from buckets" -l previous -d 'In the tree of the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from buckets" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from get" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from get" -l previous -d 'In the tree of the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from get" -l raw -d 'Write the value as it is'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from stats" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from stats" -l bucket -d 'Only this bucket: its keys from the root bucket on (0x and hex for bytes)' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from dump" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from dump" -l range -d 'Only the bytes from FIRST to before LAST (decimal, or 0x and hex)' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from dump" -l page -d 'Only this page, or the pages from FIRST to LAST' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from dump" -l old -d 'Decode what is left on pages that are not in use, too'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from dump" -l hex -d 'Show the bytes of every piece in hex'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from dump" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from diff" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l schema -d 'How to read records; auto: containerd\'s objects where the root bucket is containerd\'s' -r -f -a "auto\t''
containerd\t''
none\t''"
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l status -d 'Only these: deleted, older, uncommitted, unplaced, unknown, live; all but live if not given' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l kind -d 'Only objects of this kind: namespace, image, container, snapshot, backend, blob, ingest, lease, sandbox' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -s b -l bucket -d 'Only below this bucket: its keys from the root bucket on, one -b each (text, or 0x and hex)' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l since -d 'Only objects with a time at or after this' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l until -d 'Only objects without a time after this' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l limit -d 'How many are shown; 0: all' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l page-size -d 'Bytes of a page, where the file does not say it' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l spool -d 'Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l details -d 'Everything that is known of each, below the table'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -l raw -d 'Values in full length'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from carve" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l freelist -d 'Write a freelist or none; as the file has it if not given' -r -f -a "synced\t'Written, as containerd up to 1.6 does'
unsynced\t'Not written, as in meta.db of containerd 1.7 and later'"
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l page-size -d 'Bytes of a page of the new file, if not those of the old one' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l spool -d 'Copy files of more than 16 MiB to a nameless file in this directory, instead of beside NEW or in the directory for temporary files' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l no-lost-found -d 'Leave pages without a place out, instead of keeping them in the bucket lost+found'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l only-proven -d 'Put back only what is proven, not what is likely'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -l previous -d 'Save the tree of the transaction before, not the newest one'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from salvage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from compact" -l in -d 'The node that holds it: a directory, a bundle, a tar' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from compact" -l freelist -d 'Write a freelist or none; as the file has it if not given' -r -f -a "synced\t'Written, as containerd up to 1.6 does'
unsynced\t'Not written, as in meta.db of containerd 1.7 and later'"
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from compact" -l page-size -d 'Bytes of a page of the new file, if not those of the old one' -r
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from compact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from surgery" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from surgery" -f -a "meta" -d 'Repair a meta that is not valid, from what its checksum and the pages prove, or as given'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from surgery" -f -a "freelist" -d 'No freelist, or a new one'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from surgery" -f -a "revert" -d 'Make the tree of the transaction before the one in use'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from surgery" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "info" -d 'Both metas side by side, and which tree the daemon would use'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check every invariant and report all damage'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "pages" -d 'What each page is used for'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "page" -d 'One page, field by field'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "tree" -d 'Buckets and keys'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "keys" -d 'The entries of one bucket'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "buckets" -d 'The buckets in one bucket'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "get" -d 'One value'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Pages, bytes and keys of a bucket and of those in it, as `bbolt stats` counts them'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "dump" -d 'Every byte of the file, in the order of the file; made for `diff` of two dumps'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "diff" -d 'What differs between two databases, or between a database and its transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "carve" -d 'Deleted records, older versions, what was never finished: all that the tree does not reach'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "salvage" -d 'Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "compact" -d 'Write a healthy database anew, without its free pages (-o NEW); the file stays as it is'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "surgery" -d 'Small edits in a copy (-o NEW): a broken meta, the freelist, back to the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand bolt; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l jobs -d 'How many directories are read at the same time (0: as many as there are cores)' -r
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l daemon -d 'The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one that the node\'s own traces show' -r
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l at -d 'The time at which it runs: `2026-11-21T03:36:00Z`, or `+90m`, `+24h`, `+7d` after the capture; else the time of the capture' -r
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l simulate -d 'Simulate (the only thing that this verb does)'
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l dirty -d 'As if something had been deleted from each store before: leftovers are collected, too'
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l all -d 'List what is kept, too, and what keeps it'
complete -c coroner -n "__fish_coroner_using_subcommand gc" -l usage -d 'Measure what is deleted where no size is recorded: writable layers, leftover directories'
complete -c coroner -n "__fish_coroner_using_subcommand gc" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand why" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand why" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand why" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand why" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand why" -l kind -d 'Only objects of this kind: blob, snapshot, lease, image, container, sandbox, ingest' -r
complete -c coroner -n "__fish_coroner_using_subcommand why" -s n -l namespace -d 'Only in this namespace' -r
complete -c coroner -n "__fish_coroner_using_subcommand why" -l chains -d 'At most so many chains of references for each object' -r
complete -c coroner -n "__fish_coroner_using_subcommand why" -l daemon -d 'The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one that the node\'s own traces show' -r
complete -c coroner -n "__fish_coroner_using_subcommand why" -l at -d 'The time at which it runs: `2026-11-21T03:36:00Z`, or `+90m`, `+24h`, `+7d` after the capture; else the time of the capture' -r
complete -c coroner -n "__fish_coroner_using_subcommand why" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand owner" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand owner" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand owner" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand owner" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand owner" -l inode -d 'Search the stores for the names of this inode' -r
complete -c coroner -n "__fish_coroner_using_subcommand owner" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand df" -l jobs -d 'How many directories are read at the same time (0: as many as there are cores)' -r
complete -c coroner -n "__fish_coroner_using_subcommand df" -l daemon -d 'The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one that the node\'s own traces show' -r
complete -c coroner -n "__fish_coroner_using_subcommand df" -l at -d 'The time at which it runs: `2026-11-21T03:36:00Z`, or `+90m`, `+24h`, `+7d` after the capture; else the time of the capture' -r
complete -c coroner -n "__fish_coroner_using_subcommand df" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand df" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand df" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand df" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand df" -l fast -d 'Walk no directory: committed layers as recorded, blobs as listed, nothing of writable layers'
complete -c coroner -n "__fish_coroner_using_subcommand df" -l layers -d 'List snapshots, too'
complete -c coroner -n "__fish_coroner_using_subcommand df" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l root -d 'containerd\'s root, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l state -d 'containerd\'s state, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l config -d 'containerd\'s config.toml, inside the evidence' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l spool -d 'Where to keep what of a tar does not fit in memory (a file without a name)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l content -d 'Which content blobs are packed' -r -f -a "all\t'All of them, layers too'
metadata\t'Those of at most 1 MiB: manifests, indexes, configs'
none\t'None; they are listed all the same'"
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l add -d 'Pack this path inside the node, too (may be given more than once)' -r -F
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l limit -d 'Largest file that is packed, in bytes of data' -r
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l upperdirs -d 'Pack the files in snapshots, too: layers as they are unpacked, and what containers wrote'
complete -c coroner -n "__fish_coroner_using_subcommand collect" -l redact -d 'Mask secrets: values of environments, annotations, credentials of registries, private keys. Nothing moves; findings stay the same'
complete -c coroner -n "__fish_coroner_using_subcommand collect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and not __fish_seen_subcommand_from verify ls help" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and not __fish_seen_subcommand_from verify ls help" -f -a "verify" -d 'Compare all of a bundle with what it says of itself: every hash, nothing missing, nothing added'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and not __fish_seen_subcommand_from verify ls help" -f -a "ls" -d 'List what is in a bundle, and what is known of what is not'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and not __fish_seen_subcommand_from verify ls help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and __fish_seen_subcommand_from ls" -l left -d 'Only files whose bytes are not in the bundle'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Compare all of a bundle with what it says of itself: every hash, nothing missing, nothing added'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List what is in a bundle, and what is known of what is not'
complete -c coroner -n "__fish_coroner_using_subcommand bundle; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "triage" -d 'Examine a whole containerd node that is not running'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "check" -d 'The same as triage'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "preflight" -d 'What would happen if containerd were started now'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "explain" -d 'What a finding means and what to do'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "meta" -d 'containerd\'s meta.db, object by object'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "content" -d 'The content store: blobs, sizes, digests'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "snapshots" -d 'Snapshots: databases, directories, trees'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "runtime" -d 'What runc, bundles and shims left of containers'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "timeline" -d 'When things happened, over all stores, deleted objects included'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "bolt" -d 'BoltDB files, page by page'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "gc" -d 'What containerd\'s garbage collector would keep and delete'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "why" -d 'What keeps a blob, snapshot, image or lease, and until when'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "owner" -d 'Which snapshot, image, container and pod a path, inode or mount belongs to'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "df" -d 'Where the space is: images, layers, namespaces; shared, unique, reclaimable'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "collect" -d 'Pack a node into a bundle, to be examined elsewhere'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "bundle" -d 'What is in a bundle, and whether it is as it was written'
complete -c coroner -n "__fish_coroner_using_subcommand help; and not __fish_seen_subcommand_from triage check preflight explain meta content snapshots runtime timeline bolt gc why owner df collect bundle help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from triage" -f -a "diff" -d 'What is new, gone and changed between two triages'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from check" -f -a "diff" -d 'What is new, gone and changed between two triages'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from meta" -f -a "ls" -d 'List objects of one kind'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from meta" -f -a "history" -d 'One object from its oldest version to its newest: in both trees, and on pages that neither uses any more'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from meta" -f -a "show" -d 'Show everything that meta.db says of one object'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from content" -f -a "ls" -d 'List blobs and unfinished writes'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from content" -f -a "cat" -d 'Write a blob\'s bytes, or those of a file in an image\'s layers'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from content" -f -a "export" -d 'Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from content" -f -a "graph" -d 'Show what an image is made of, and what of it is there'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from content" -f -a "verify" -d 'Re-hash every blob and compare it with its name; layers with their diffIDs'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "ls" -d 'List snapshots, and directories that are none'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "tree" -d 'Show which snapshot stands on which'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "check" -d 'Compare metadata.db, meta.db and the directories'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "verify" -d 'Compare unpacked layers with the blobs that they were unpacked from, file by file'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "files" -d 'List the files that a container, an image or a snapshot shows, without mounting anything'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "cat" -d 'Write the bytes of one file of it to standard output'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "diff" -d 'Say what a container changed of its image, or in what two trees differ'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "orphans" -d 'List what nothing owns any more, with its size, and how that is known'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "extract" -d 'Write the files of a container, an image or a snapshot into a new directory (-o)'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from snapshots" -f -a "export" -d 'Write the tree of a container, an image or a snapshot as a tar, or what it changed'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "ls" -d 'List every container that runc, crun or a bundle knows'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "stuck" -d 'Say which containers hang, why, and what is safe to do'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "show" -d 'Show everything that is known of one container, and what is wrong with it'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "fifo" -d 'Show a container\'s exec.fifo and what its times tell; it is never opened'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "shims" -d 'List shims: their processes, their sockets, and the tasks that they serve'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "mounts" -d 'List mounts, network namespaces and cgroups of containers, and what is left over of them'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from runtime" -f -a "explain" -d 'Say which known state a log line of runc, a shim, containerd or kubelet belongs to'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "info" -d 'Both metas side by side, and which tree the daemon would use'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "check" -d 'Check every invariant and report all damage'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "pages" -d 'What each page is used for'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "page" -d 'One page, field by field'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "tree" -d 'Buckets and keys'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "keys" -d 'The entries of one bucket'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "buckets" -d 'The buckets in one bucket'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "get" -d 'One value'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "stats" -d 'Pages, bytes and keys of a bucket and of those in it, as `bbolt stats` counts them'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "dump" -d 'Every byte of the file, in the order of the file; made for `diff` of two dumps'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "diff" -d 'What differs between two databases, or between a database and its transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "carve" -d 'Deleted records, older versions, what was never finished: all that the tree does not reach'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "salvage" -d 'Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "compact" -d 'Write a healthy database anew, without its free pages (-o NEW); the file stays as it is'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bolt" -f -a "surgery" -d 'Small edits in a copy (-o NEW): a broken meta, the freelist, back to the transaction before'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bundle" -f -a "verify" -d 'Compare all of a bundle with what it says of itself: every hash, nothing missing, nothing added'
complete -c coroner -n "__fish_coroner_using_subcommand help; and __fish_seen_subcommand_from bundle" -f -a "ls" -d 'List what is in a bundle, and what is known of what is not'
