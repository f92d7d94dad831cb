"""Names of the library may be written as readers import them.

``cs_infer.backward_messages`` lives in ``cs_infer.messages``, where the API
page documents it. A reference to the short name finds it there.
"""

import cs_infer


def resolve_public_name(app, env, node, contnode):
    name = node.get("reftarget", "").removeprefix("cs_infer.")
    public = name.partition(".")[0]
    home = cs_infer.HOME.get(public)
    if node.get("refdomain") != "py" or home is None:
        return None
    full = f"cs_infer.{home}.{name}"
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], full, node, contnode
    )


def setup(app):
    app.connect("missing-reference", resolve_public_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
