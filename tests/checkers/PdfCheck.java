import java.io.FileInputStream;
import java.io.InputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Validates PDFs with veraPDF: {@code PdfCheck 3a|ua1 FILE...}; exits 1 if any fails. */
public final class PdfCheck {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour flavour = PDFAFlavour.fromString(arguments[0]);
        boolean failed = arguments.length < 2;
        for (int at = 1; at < arguments.length; at++) {
            try (InputStream file = new FileInputStream(arguments[at]);
                    PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour)) {
                ValidationResult result =
                        Foundries.defaultInstance().createValidator(flavour, true).validate(parser);
                System.out.println((result.isCompliant() ? "PASS " : "FAIL ") + arguments[at]);
                failed |= !result.isCompliant();
                for (TestAssertion assertion : result.getTestAssertions()) {
                    if (assertion.getStatus() == TestAssertion.Status.FAILED) {
                        System.out.println("  " + assertion.getRuleId().getClause() + " " + assertion.getMessage());
                    }
                }
            }
        }
        System.exit(failed ? 1 : 0);
    }
}
