import java.io.FileInputStream;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/** URL CA [noconf]: by HttpURLConnection itself, or with a token of JGSS that
 * does not ask for confidentiality. */
public class Get {
    private static SSLContext trusting(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = new FileInputStream(file)) {
            store.setCertificateEntry("ca", CertificateFactory
                .getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(
            TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static String token() throws Exception {
        GSSManager manager = GSSManager.getInstance();
        Oid spnego = new Oid("1.3.6.1.5.5.2");
        GSSContext context = manager.createContext(
            manager.createName("HTTP@localhost",
                               GSSName.NT_HOSTBASED_SERVICE, spnego),
            spnego, null, GSSContext.DEFAULT_LIFETIME);
        context.requestConf(false);
        byte[] first = context.initSecContext(new byte[0], 0, 0);
        return Base64.getEncoder().encodeToString(first);
    }

    public static void main(String[] args) throws Exception {
        HttpURLConnection c =
            (HttpURLConnection) new URL(args[0]).openConnection();
        if (c instanceof HttpsURLConnection)
            ((HttpsURLConnection) c).setSSLSocketFactory(
                trusting(args[1]).getSocketFactory());
        if (args.length > 2)
            c.setRequestProperty("Authorization", "Negotiate " + token());
        int status = c.getResponseCode();
        InputStream in = status < 400 ? c.getInputStream()
                                      : c.getErrorStream();
        System.out.println(status + " " + new String(in.readAllBytes()));
    }
}
