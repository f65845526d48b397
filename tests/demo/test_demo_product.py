"""The CRM's own pages in the demo: where the links of the log lead."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from auditviewer.demo.cluster import LOOPBACK, Cluster
from auditviewer.demo.database import DATABASE, prepare
from auditviewer.demo.product import create_product
from tests.page import Listed, parse
from tests.viewer import changes, signed_in, viewer_over

MODULES = {
    "Users": {"/crm/users"},
    "Account & CRM settings": {"/crm/settings"},
    "Plans and Billing": {"/crm/settings"},
    "Territories": {"/crm/territories"},
    "Assignment rules": {"/crm/assignment-rules"},
    "Sales sequences": {"/crm/sales-sequences"},
    "Workflows": {"/crm/workflows"},
}
"""The modules of the log, and where their links lead."""


@pytest.fixture(scope="module")
def admin(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """An admin in front of the demo, in which the week was played."""
    prepare(cluster)
    viewer = cluster.conninfo(DATABASE, "audit_viewer", host=LOOPBACK)
    folder = tmp_path_factory.mktemp("demo")
    with viewer_over(viewer, folder, PRODUCT_URL="/crm") as app:
        app.register_blueprint(create_product(cluster.conninfo(DATABASE, "crm_web", host=LOOPBACK)))
        yield signed_in(app)


def linked(admin: FlaskClient, module: str) -> list[Listed]:
    return [change for change in changes(admin, module=module) if change.link]


@pytest.mark.parametrize("module", MODULES)
def test_every_link_leads_to_a_page_of_the_crm(admin: FlaskClient, module: str) -> None:
    links = {change.link or "" for change in linked(admin, module)}

    assert {link.rpartition("/")[0] for link in links} == MODULES[module]
    for link in links:
        answer = admin.get(link)
        assert answer.status_code == 200
        assert parse(answer.text).first("h1").text


@pytest.mark.parametrize("path", ["/crm/users/999", "/crm/plans/1", "/crm/settings/else"])
def test_a_page_that_is_not_there_is_not_found(admin: FlaskClient, path: str) -> None:
    assert admin.get(path).status_code == 404
